/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever line arrives on the control socket, its answer is one line of bounded length, or none.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/rpc.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int reload(void *user, char ret_text[static CONTROL_TEXT_SIZE])
{
	(void)user;
	strcpy(ret_text, "Done.");

	return 0;
}

static void be_silent(enum log_level level, const struct log_where *where, const char *text,
		      void *user)
{
	(void)level;
	(void)where;
	(void)text;
	(void)user;
}

static void check_line(char *line)
{
	const char *end = strchr(line, '\n');

	if (!end || end[1] || strlen(line) > PROTOCOL_ANSWER_MAX)
		abort();
	free(line);
}

static void say(struct rpc_client *client, char *line)
{
	(void)client;
	check_line(line);
}

/* Made once: no request changes it but by counting, and by what it reserves. */
static struct fake *get_server(struct rpc **ret)
{
	static struct rpc rpc;
	static struct sm *sm;
	static struct fake *fake;
	struct control_setup setup = { .sm = &sm, .reload = reload, .version = "0" };
	struct loop *loop;

	*ret = &rpc;
	if (sm)
		return fake;
	log_set_sink(be_silent, NULL);
	loop = loop_poll_new();
	fake = loop ? fake_new(loop) : NULL;
	if (!fake)
		abort();
	sm = fake->sm;
	for (int i = 0; i < 100; i++)
		event_add(fake->events, EVENT_TRAP, 0x20, 2, i % 8, "event %d", i);
	rpc_init(&rpc, loop, &setup);

	return fake;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_client client = { .role = ROLE_ADMIN, .say = say };
	struct rpc *rpc;
	struct fake *fake = get_server(&rpc);
	char *answer;

	if (size >= PROTOCOL_LINE_MAX)
		return -1;
	answer = rpc_answer(rpc, &client, (const char *)data, size);
	if (answer && client.n_pending > 0)
		abort();
	if (answer)
		check_line(answer);
	fake_keep(fake, size % 2 ? 0 : -28);
	if (client.n_pending > 0)
		abort();

	return 0;
}
