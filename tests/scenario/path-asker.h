/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Somebody who asks the subnet administrator for a PathRecord, by two GIDs, as a MAD from a port of
 * the fabric.
 */

#include "tests/sim/fabric.h"

enum { PATH_OK = 0, PATH_NO_RECORDS = 0x0300 };

struct path_answer {
	uint16_t status; /* PATH_OK, or what the SA says else; the rest counts only with PATH_OK */
	uint16_t slid;
	uint16_t dlid;
	uint16_t pkey; /* as the source has it */
	uint8_t hop_limit;
	uint8_t sl;
	uint64_t sguid;
	uint64_t dguid;
};

struct path_asker {
	struct sim_client client;
	uint64_t tid;
	bool answered; /* the last question was */
	struct path_answer answer;
};

void path_asker_open(struct path_asker *a, struct sim_port *port);
void path_asker_close(struct path_asker *a);

/* From the GID of @from to that of @to. False: the port does not know whom to ask, or may not. */
bool path_asker_ask(struct path_asker *a, uint64_t from, uint64_t to);
