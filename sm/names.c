/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What states and phases are called, in the log, by vsmctl and in JSON: there they are stable.
 */

#include "base/macros.h"
#include "sm/sm.h"

const char *sm_phase_name(enum sm_phase phase)
{
	static const char *const names[PHASE_COUNT] = {
		[PHASE_REST] = "rest",         [PHASE_DISCOVER] = "discover",
		[PHASE_ELECT] = "elect",       [PHASE_READ] = "read",
		[PHASE_PLAN] = "plan",         [PHASE_KEEP] = "keep",
		[PHASE_WITHDRAW] = "withdraw", [PHASE_PROGRAM] = "program",
		[PHASE_ACTIVATE] = "activate",
	};

	return names[phase];
}

const char *sm_state_name(unsigned state)
{
	static const char *const names[] = {
		[SM_NOT_ACTIVE] = "not-active",
		[SM_DISCOVERING] = "discovering",
		[SM_STANDBY] = "standby",
		[SM_MASTER] = "master",
	};

	return state < COUNT(names) ? names[state] : "unknown";
}

const char *sm_trap_lie_name(enum sm_trap_lie lie)
{
	static const char *const names[SM_TRAP_LIE_COUNT] = {
		[SM_TRAP_OF_NOBODY] = "of_nobody",
		[SM_TRAP_OF_OTHER_KIND] = "of_other_kind",
		[SM_TRAP_ABOUT_OTHERS] = "about_others",
		[SM_TRAP_OF_VENDOR] = "of_vendor",
	};

	return names[lie];
}
