/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual ports, and the rules for virtual functions.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* vport.c: virtual ports: when they are looked at. */
bool vports_are_announced(const struct sm *sm, uint32_t port);
void vports_look(struct sm *sm, uint32_t port, enum port_state before);
/* At the beginning of PHASE_READ. */
void vports_ask_all(struct sm *sm);
/* What its vports hold, and whether they are, is not known. */
void vports_doubt(struct sm *sm, uint32_t port);
/* The same, and no request about them is under way any more. */
void vports_drop(struct sm *sm, uint32_t port);
/* Copies of this Set may arrive late; and those that were noted are dead, see twin.c. */
void vports_note_twin(struct sm *sm, uint32_t port, const struct request *request);
void vports_doubt_twins(struct sm *sm, uint32_t port);
/* A trap told of vport @index (@changed: of what it is) or of any. */
void vports_told(struct sm *sm, uint32_t port, unsigned index, bool changed);
/* The port was told of another SM, and its clients that they have to register again. */
void vports_reregister(struct sm *sm, uint32_t port);

/* vport-read.c: what they are, and what they are called. */
bool vports_ask_read(struct sm *sm, struct node *node, struct request *ret);
void vports_take_read(struct sm *sm, uint32_t port, const struct answer *answer);
/* Has VirtualizationInfo changed? */
bool vports_is_news(const struct sm *sm, uint32_t port, const struct answer *answer);
bool vports_ask_name(struct sm *sm, struct node *node, struct request *ret);
void vports_take_name(struct sm *sm, uint32_t port, const struct answer *answer);
/* @again: also those that have a name. */
void vports_name_all(struct sm *sm, bool again);

/* vport-keys.c: their P_Key tables. */
bool vports_ask_keys(struct sm *sm, struct node *node, struct request *ret);
void vports_take_keys(struct sm *sm, uint32_t port, const struct answer *answer);

/* vport-plan.c: what they should have, and why they have not. */
/* The next that holds a LID of its own and is to have one, see adopt.c; false past the last. */
bool vports_next_holder(const struct sm *sm, struct vf_walk *walk, struct lid_holder *ret);
int vports_plan_lids(struct sm *sm);
unsigned vports_count_lids(const struct sm *sm);
void vports_update_reasons(struct sm *sm);
/* Of a port that is Active: what is wrong with its virtualization, or with its own vport. */
enum reason vports_reason_of_port(const struct sm *sm, uint32_t port);

/* vport-set.c: bringing them up. */
bool vports_ask_set(struct sm *sm, struct node *node, struct request *ret);
void vports_take_set(struct sm *sm, uint32_t port, const struct answer *answer);

/* vport-ways.c: by which ways LIDs of vports are reached. False past the last. */
/* Spare LIDs, and those of VFs that are to move or are absent, too. */
bool columns_next(const struct sm *sm, struct columns *columns, struct column *ret);
void columns_done(struct columns *columns);

/* vf-rules.c: what the operator allows virtual functions. */
/* The rule for those of this physical port, or NULL. Valid until the next configuration. */
const struct vf_policy *vf_rule_of(const struct sm *sm, uint32_t port);
/* Of REASON_VF_TOO_MANY, how many there may be and who says so, as a further sentence; else "". */
#define VF_LIMIT_SIZE 100
const char *vf_limit_text(const struct sm *sm, uint32_t pf, enum reason reason,
			  char ret[static VF_LIMIT_SIZE]);
/* False: which one that is, depends on what the device calls itself, which is not known yet. */
bool vf_rule_is_known(const struct sm *sm, uint32_t port);
/* Before a plan: find who is barred. */
void vf_rules_apply(struct sm *sm);
/* The device calls itself otherwise than before, or has been asked for the first time. */
void vf_rules_take_name(struct sm *sm, struct node *node);
/* A VF behind a virtual switch that rules keep from coming up? Who is Active already stays so. */
static inline bool port_is_barred(const struct port *port)
{
	return port->barred != REASON_NONE && port_state(port) != PORT_ACTIVE;
}
