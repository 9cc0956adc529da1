/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The entries in which tables differ from those that were there before, where these are few.
 */

#include "routing/engine.h"

struct patch_entry {
	uint32_t row;
	uint16_t lid;
	uint8_t was; /* the exit before; that of now is in the tables */
};

struct patch {
	struct patch_entry *entry;
	uint32_t n;
	uint32_t room;
};

/* 0 or -ENOMEM. */
int patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was);
/* Entries of switches that are @away count no longer. */
void patch_drop_rows(struct patch *patch, const bool *away);
/* By LID, then row. */
void patch_sort(struct patch *patch);
/* Tables are as before, and @patch is empty. */
void patch_undo(struct patch *patch, struct tables *tables);
void patch_clear(struct patch *patch);
