/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Members of partitions at run time, for administrators and for orchestrators: by GUID, whether its
 * port is there or not; as often as they like, and a whole batch or nothing. The answer comes when
 * the change is on disk, and says which generation has it.
 *
 * Here is only what can be wrong with the words; what may be changed knows the subnet manager.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/applied.h"
#include "ctl/find.h"
#include "ctl/later.h"

/* -- words --------------------------------------------------------------------------------------
 */

/* Always with 0x, so that nobody has to guess what "10" is. */
static bool read_pkey(struct call *call, uint16_t *ret)
{
	const char *text = call_text(call, "pkey");
	unsigned pkey = 0;

	if (!text) {
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"pkey\" is missing");
		return false;
	}
	if (strncmp(text, "0x", 2) != 0 || strlen(text) < 3 || strlen(text) > 6 ||
	    text[2 + strspn(text + 2, "0123456789abcdefABCDEF")]) {
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "\"%.40s\" is no P_Key: 0x and up to 4 hexadecimal digits", text);
		return false;
	}
	pkey = (unsigned)strtoul(text, NULL, 16);
	if (pkey & 0x8000)
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "P_Key %s has the membership bit: say 0x%04x, and the membership", text,
			  pkey & 0x7fff);
	else if (pkey == 0)
		call_fail(call, PROTOCOL_BAD_PARAMS, "P_Key 0 is none");
	*ret = (uint16_t)pkey;

	return !call->error;
}

/* 0x and up to 16 digits, or 16 digits as they are. */
static bool read_guid(const char *text, uint64_t *ret)
{
	bool prefixed = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = text + (prefixed ? 2 : 0);
	size_t n = strspn(digits, "0123456789abcdefABCDEF");

	if (digits[n] || (prefixed ? n < 1 || n > 16 : n != 16))
		return false;
	*ret = strtoull(digits, NULL, 16);

	return *ret != 0;
}

/* To be freed; NULL: none, or the call has failed. */
static uint64_t *read_guids(struct call *call, size_t *ret_n)
{
	const json_t *list = call_list(call, "guids");
	size_t n = json_array_size(list);
	uint64_t *guids = n ? calloc(n, sizeof(*guids)) : NULL;

	if (n && !guids)
		call_fail(call, PROTOCOL_INTERNAL, "there is no memory for it");
	for (size_t i = 0; guids && i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (read_guid(text, &guids[i]))
			continue;
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "\"%.40s\" is no GUID: 0x and up to 16 hexadecimal digits, or 16 digits",
			  text);
		break;
	}
	*ret_n = n;

	return guids;
}

static enum partition_membership read_membership(struct call *call)
{
	const char *text = call_text(call, "membership");

	if (!text || !strcmp(text, "full"))
		return PARTITION_FULL;
	if (!strcmp(text, "limited"))
		return PARTITION_LIMITED;
	if (!strcmp(text, "both"))
		return PARTITION_BOTH;
	call_fail(call, PROTOCOL_BAD_PARAMS, "membership is \"full\", \"limited\" or \"both\"");

	return PARTITION_NO_MEMBER;
}

static bool is_like_a_pkey(const char *name)
{
	return strncmp(name, "0x", 2) == 0 ||
	       (strlen(name) <= 4 && !name[strspn(name, "0123456789abcdefABCDEF")]);
}

static const char *read_name(struct call *call)
{
	const char *name = call_text(call, "name");

	if (!name)
		return NULL;
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			call_fail(call, PROTOCOL_BAD_PARAMS, "a name is printable ASCII");
	if (!name[0] || name[0] == ' ' || strlen(name) >= PARTITION_NAME_SIZE)
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "a name has 1 to %d characters, the first no space",
			  PARTITION_NAME_SIZE - 1);
	else if (is_like_a_pkey(name))
		call_fail(call, PROTOCOL_BAD_PARAMS, "name \"%s\" looks like a P_Key", name);

	return name;
}

static void check_master(struct call *call)
{
	struct sm_status status;

	sm_status(call->sm, &status);
	if (status.state == SM_STANDBY || status.state == SM_NOT_ACTIVE)
		call_fail(call, PROTOCOL_NOT_MASTER,
			  "this subnet manager is not master, and changes nothing");
}

/* -- answers ------------------------------------------------------------------------------------
 */

struct changing {
	struct later *later;
	uint16_t pkey;
};

static enum protocol_error code_of(int error)
{
	switch (error) {
	case -EINVAL:
		return PROTOCOL_BAD_PARAMS;
	case -EPERM:
	case -EEXIST:
		return PROTOCOL_REFUSED;
	case -E2BIG:
		return PROTOCOL_LIMIT;
	default:
		return PROTOCOL_FAILED;
	}
}

static void put_result(struct call *call, uint16_t pkey, const struct sm_partition_result *result)
{
	const struct partition *partition = partitions_find(sm_partitions(call->sm), pkey);
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", pkey);
	row_text(&call->result, "pkey", text);
	row_bool(&call->result, "changed", result->changed);
	row_number(&call->result, "members_changed", result->n_changed);
	applied_put(&call->result, call->rpc, call->sm, pkey, partition, result->generation);
}

static void on_changed(void *user, const struct sm_partition_result *result)
{
	struct changing *changing = user;
	struct later *later = changing->later;
	struct call *call = &later->call;

	if (!call->client)
		call_fail(call, PROTOCOL_FAILED, "nobody is there to hear it");
	else if (result->error)
		call_fail(call, code_of(result->error), "%s", result->why);
	else
		put_result(call, changing->pkey, result);
	free(changing);
	later_end(later);
}

/* -- methods ------------------------------------------------------------------------------------
 */

static void ask(struct call *call, const struct sm_partition_change *change)
{
	struct changing *changing = calloc(1, sizeof(*changing));
	struct later *later = changing ? later_start(call) : NULL;
	int r = -ENOMEM;

	if (later) {
		*changing = (struct changing){ later, change->pkey };
		r = sm_change_partition(call->sm, change, on_changed, changing);
	}
	if (r == 0)
		return;
	free(changing);
	later_drop(call);
	if (r == -EBUSY)
		call_fail(call, PROTOCOL_BUSY, "too many changes wait for the disk; try again");
	else
		call_fail(call, PROTOCOL_INTERNAL, "there is no memory for it");
}

void method_partition_add(struct call *call)
{
	struct sm_partition_change change = { 0 };
	AUTO(freep) uint64_t *guids = NULL;

	if (!read_pkey(call, &change.pkey))
		return;
	guids = read_guids(call, &change.n_guids);
	change.guids = guids;
	change.membership = read_membership(call);
	change.index0 = call_flag(call, "index0");
	change.name = read_name(call);
	if (change.n_guids == 0 && !change.name)
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "there is nothing to add: give GUIDs, or a name");
	check_master(call);
	if (!call->error)
		ask(call, &change);
}

/* Without the parameter all goes; an empty list is a mistake that must not be that. */
void method_partition_remove(struct call *call)
{
	struct sm_partition_change change = { .remove = true };
	AUTO(freep) uint64_t *guids = NULL;

	if (!read_pkey(call, &change.pkey))
		return;
	guids = read_guids(call, &change.n_guids);
	change.guids = guids;
	if (change.n_guids == 0 && call_list(call, "guids"))
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "\"guids\" is empty: leave it out to remove all that was added");
	check_master(call);
	if (!call->error)
		ask(call, &change);
}

/* Also of a partition that is gone: its members' tables are to be without it. */
void method_partition_check(struct call *call)
{
	uint16_t pkey;

	if (!read_pkey(call, &pkey))
		return;
	check_master(call);
	if (call->error)
		return;
	row_text(&call->result, "pkey", call_text(call, "pkey"));
	applied_put(&call->result, call->rpc, call->sm, pkey,
		    partitions_find(sm_partitions(call->sm), pkey),
		    call_number(call, "generation", sm_partition_generation(call->sm, pkey)));
}
