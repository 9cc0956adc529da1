/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Doubts are no errors: each option is right by itself, and the fabric comes up. But somebody set
 * it for a reason, and another option, or a name that nobody has, keeps it from having an effect.
 * What only the fabric can tell (GUIDs that are not there) is told where that is known.
 */

#include "conf/doubts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

struct teller {
	const struct conf *conf;
	doubts_fn fn;
	void *user;
};

static void __attribute__((format(printf, 2, 3)))
tell(const struct teller *teller, const char *format, ...)
{
	char sentence[2 * CONF_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	teller->fn(teller->user, sentence);
}

/* ---- options that another one leaves without effect -------------------------------------------
 */

static bool is_without_qos(const struct conf *conf)
{
	return !conf->qos;
}

static bool is_without_key(const struct conf *conf)
{
	return conf->m_key == 0;
}

static bool is_by_guid(const struct conf *conf)
{
	return conf->port_guid != 0;
}

static bool is_one_lid(const struct conf *conf)
{
	return conf->lmc == 0;
}

static const struct {
	const char *path; /* what it begins with */
	bool (*is_idle)(const struct conf *conf);
	const char *why;
} idle[] = {
	{ "qos", is_without_qos, "while qos.enable is false" },
	{ "security.m_key_lease", is_without_key, "without security.m_key" },
	{ "port.device", is_by_guid, "beside port.guid" },
	{ "port.number", is_by_guid, "beside port.guid" },
	{ "subnet.lmc_esp0", is_one_lid, "while subnet.lmc is 0" },
};

/* @option is not as it would be if nobody had set it. */
static void look_at(const struct conf_option *option, void *user)
{
	const struct teller *teller = user;

	for (size_t i = 0; i < COUNT(idle); i++)
		if (!strncmp(option->path, idle[i].path, strlen(idle[i].path)) &&
		    idle[i].is_idle(teller->conf))
			tell(teller, "%s means nothing %s", option->path, idle[i].why);
}

static void tell_of_options(struct teller *teller)
{
	AUTO(freep) struct conf *defaults = malloc(sizeof(*defaults));

	if (!defaults)
		return;
	conf_init_defaults(defaults);
	conf_compare(defaults, teller->conf, look_at, teller);
	if (teller->conf->sweep_interval == 0 && !teller->conf->sweep_on_trap)
		tell(teller, "sweep.interval is 0 and sweep.on_trap is false: what changes is seen "
			     "at the next vsmctl sweep");
}

/* ---- partitions and the QoS policy ------------------------------------------------------------
 */

static void tell_of_levels(const struct teller *teller, const struct partitions *partitions)
{
	for (size_t i = 0; !teller->conf->qos && i < partitions->n; i++) {
		const struct partition *p = &partitions->partitions[i];

		if (p->params.sl == 0)
			continue;
		tell(teller, "sl=%u of partition %s means nothing while qos.enable is false",
		     p->params.sl, p->name);
		return;
	}
}

static bool has_name(const struct partitions *partitions, const char *name)
{
	for (size_t i = 0; i < partitions->n; i++)
		if (!strcmp(partitions->partitions[i].name, name))
			return true;

	return false;
}

/* It may be added at run time, and be nothing but a slip. */
static void tell_of_strangers(const struct teller *teller, const struct partitions *partitions,
			      const struct qos_policy *qos)
{
	const char *file = teller->conf->qos_policy_file;
	unsigned n = 0;

	for (uint32_t i = 0; i < qos->n_terms; i++) {
		const struct qos_term *term = &qos->terms[i];

		if (term->kind != QOS_PARTITION || has_name(partitions, term->name))
			continue;
		if (++n <= DOUBTS_MAX)
			tell(teller, "%s:%" PRIu32 ": no partition is called \"%s\"", file,
			     term->line, term->name);
	}
	if (n > DOUBTS_MAX)
		tell(teller, "%s: %u names in all that no partition has", file, n);
}

void doubts_tell(const struct conf *conf, const struct partitions *partitions,
		 const struct qos_policy *qos, doubts_fn fn, void *user)
{
	struct teller teller = { .conf = conf, .fn = fn, .user = user };

	tell_of_options(&teller);
	if (partitions)
		tell_of_levels(&teller, partitions);
	if (qos && qos->has_setup)
		tell(&teller, "qos-setup in qos.policy_file is passed over, as opensm does");
	if (qos && qos->has_path_bits)
		tell(&teller, "path-bits in qos.policy_file are passed over, as opensm does");
	if (qos && partitions && conf->qos)
		tell_of_strangers(&teller, partitions, qos);
}
