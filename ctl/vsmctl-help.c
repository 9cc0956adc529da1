/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * --help: of all verbs with what holds for all of them, or of those that were asked about, for who
 * has a verb in mind and not its options.
 */

#include "ctl/vsmctl.h"

void help_begin(bool some)
{
	if (some)
		printf("Usage:\n\n");
	else
		printf("Usage: vsmctl [OPTION]... [VERB [ARGUMENT]...]\n\n"
		       "Ask vsm, the subnet manager of this machine, and tell it what to do.\n\n");
}

void help_show_verb(bool some, const char *name, const char *arguments, const char *sentence)
{
	printf("  %s%s%s%s\n        %s\n", some ? "vsmctl " : "", name, arguments[0] ? " " : "",
	       arguments, sentence);
}

void help_end(bool some, const char *socket, int timeout_s)
{
	if (some) {
		printf("\nMore: vsmctl(1). Options of all verbs, exit codes: vsmctl --help\n");
		return;
	}
	printf("\nWHAT, SWITCH, FROM and TO are names, GUIDs or LIDs; \"/7\" after them is port "
	       "7,\n\"/vf3\" virtual function 3.\n\n"
	       "  -s, --socket PATH      where vsm listens [$VSM_SOCKET, or %s]\n"
	       "  -j, --json             for programs\n"
	       "  -t, --timeout SECONDS  how long to wait for an answer, 0: for ever [%d]\n"
	       "      --no-color         no colours, also on a terminal\n"
	       "  -h, --help             this text; with a verb, what that takes\n"
	       "  -V, --version          the version of vsmctl\n\n"
	       "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 vsm is not running, 4 not found,\n"
	       "5 denied, 6 not master, 7 --problems or --not-active has found some, status tells\n"
	       "of trouble, or a port refuses what --wait waits for, 8 no answer in time.\n",
	       socket, timeout_s);
}
