/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the stories of alias GUIDs share: one switch, the subnet manager's host and the hosts 1 to
 * 3; VFs of the shared port model; and a client of the SA that sends GuidInfoRecords of its own.
 */

#include "sm/vf.h"
#include "tests/scenario/sa-client.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/vf.h"

void alias_build(struct scenario *s);
/* Started; @first_guid 0: the subnet manager is to choose. */
void alias_add_vfs(struct scenario *s, struct sim_port *port, unsigned n, uint64_t first_guid);
/* The subnet manager starts, and all has had time to ask it. */
void alias_comes_up(struct scenario *s);

struct sim_vf_info alias_look(const struct sim_port *port, unsigned vf);
unsigned alias_count_up(const struct sim_port *port);

/* SMPs that the subnet manager has sent: of one kind (0: of any); Sets of GUIDInfo. */
uint64_t alias_count_smps(const struct scenario *s, uint16_t attr, uint8_t method);
uint64_t alias_count_sets(const struct scenario *s);

/* What the subnet manager knows of VF @vf of @port. */
const struct vf *alias_known(const struct scenario *s, const struct sim_port *port, unsigned vf);

void asker_open(struct sa_client *a, struct sim_port *port);
/* @method of entry @index of @target, which is to be @guid. */
void asker_send(struct sa_client *a, uint8_t method, const struct sim_port *target, unsigned index,
		uint64_t guid);
/* The same, and the status of the answer. */
unsigned asker_ask(struct scenario *s, struct sa_client *a, uint8_t method,
		   const struct sim_port *target, unsigned index, uint64_t guid);
/* Entry @index in the answer. */
uint64_t asker_guid(const struct sa_client *a, unsigned index);
