/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever line arrives on the control socket, its answer is one line of bounded length, or none;
 * also if it comes later.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/rpc.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int reload(void *user, char ret_text[static CONTROL_TEXT_SIZE],
		  const struct reload_teller *teller)
{
	(void)user;
	strcpy(ret_text, "Done.");
	teller->change(teller->user, &(struct conf_change){ "lmc", "0", "1", false });
	teller->doubt(teller->user, "sm_key is there, and m_key is not.");

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

/* NULL: nobody wanted to know. */
static void say(struct rpc_client *client, char *line)
{
	(void)client;
	if (line)
		check_line(line);
}

/* Made once: no request changes it but by counting, by what it reserves, and by partitions, of
 * which there are few keys. */
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

/* What it asked for is done, is refused, or it has hung up before. And then it is as before. */
static void end_change(struct fake *fake, struct rpc *rpc, struct rpc_client *client, size_t size)
{
	if (size % 3 == 0)
		rpc_client_done(rpc, client);
	fake_finish_change(fake, size % 3 == 1 ? -ENOSPC : 0, "the disk is full");
}

static void take_all_out(struct rpc *rpc, struct fake *fake)
{
	const struct partitions *all = sm_partitions(fake->sm);
	struct rpc_client client = { .role = ROLE_ADMIN, .say = say };

	for (size_t i = 0; i < all->n; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"partition-remove\",\"params\":"
			 "{\"pkey\":\"0x%x\"}}",
			 all->partitions[i].pkey);
		if (!all->partitions[i].added)
			continue;
		free(rpc_answer(rpc, &client, line, strlen(line)));
		fake_finish_change(fake, 0, NULL);
		all = sm_partitions(fake->sm);
		i = 0; /* the default partition stays */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_client client = { .role = ROLE_ADMIN, .say = say };
	struct rpc *rpc;
	struct fake *fake = get_server(&rpc);
	bool changes;
	char *answer;

	if (size >= PROTOCOL_LINE_MAX)
		return -1;
	answer = rpc_answer(rpc, &client, (const char *)data, size);
	if (answer && client.n_later > 0)
		abort();
	if (answer)
		check_line(answer);
	fake_keep(fake, size % 2 ? 0 : -ENOSPC);
	changes = fake->fn;
	if (changes)
		end_change(fake, rpc, &client, size);
	if (client.n_later > 0)
		abort();
	if (changes)
		take_all_out(rpc, fake);

	return 0;
}
