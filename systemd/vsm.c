/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The daemon: the only file that sees all rooms. It makes the parts in the order in which they need
 * each other, wires them, and runs the loop. What can be wrong with the configuration is found
 * before anything is touched. A port that is not there yet, or that another subnet manager holds,
 * is waited for; only --once gives up.
 *
 * The fabric goes on forwarding while vsm is away: nothing is undone at the end.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "conf/changes.h"
#include "conf/conf.h"
#include "conf/doubts.h"
#include "conf/partitions.h"
#include "conf/qos-policy.h"
#include "ctl/control.h"
#include "ctl/dumper.h"
#include "ctl/names.h"
#include "mad/transport.h"
#include "sm/sm.h"
#include "store/guid2lid.h"
#include "store/store.h"
#include "systemd/journal.h"
#include "systemd/loop.h"
#include "systemd/notify.h"
#include "systemd/options.h"
#include "systemd/progress.h"

enum {
	EXIT_UP = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DEVICE = 3,
};

#define RETRY_OPEN    (2 * LOOP_SEC)
#define PROGRESS_TICK (200 * LOOP_MSEC)
#define STOP_TICK     (2 * LOOP_MSEC)
#define STOP_PATIENCE (2 * LOOP_SEC)
#define ONCE_TRIES    10 /* reconciles, if something keeps changing */

struct daemon {
	struct options options;
	struct conf conf;
	struct loop *loop;
	struct store *store;
	struct transport *transport;
	struct sm *sm;
	struct control *control;
	struct partitions *partitions; /* while there is no sm that has them */
	struct qos_policy *qos;        /* NULL: none */
	struct dumper *dumper;
	struct loop_timer *retry;
	struct loop_timer *progress;
	struct loop_timer *stopping;
	uint64_t stop_at; /* 0: we are to stay */
	int exit_code;
	char trouble[256];    /* why there is no port; said once */
	struct progress work; /* for the watchdog */
	const char *stuck;    /* why it is not fed */
	unsigned settled;
	bool finishing; /* once the dumps are written */
	bool progress_shown;
};

/* -- what is shown ------------------------------------------------------------------------------
 */

static void print_reasons(const struct sm *sm)
{
	const struct fabric *f = sm_fabric(sm);

	for (uint32_t i = 0; i < f->n_ports; i++) {
		const struct port *port = &f->ports[i];
		const struct node *node = node_of(f, i);

		if (!port->present || !port->known || port->number == 0 ||
		    port_phys_state(port) != PHYS_LINK_UP || port_state(port) == PORT_ACTIVE)
			continue;
		fprintf(stderr, "0x%016" PRIx64 " port %u%s%s: %s %s\n", node->guid, port->number,
			node->described ? " " : "", node->description,
			reason_sentence(port->reason), reason_remedy(port->reason));
	}
}

static void say_status(struct daemon *d, const struct sm_status *status)
{
	const char *not_kept = store_trouble(d->store);

	notify_status("%s, %u nodes: %u ports active, %u not; generation %" PRIu64 ", %s%s%s",
		      sm_state_name(status->state), status->nodes, status->ports_active,
		      status->ports_not_active, status->generation,
		      status->trouble  ? status->trouble
		      : status->engine ? status->engine
				       : "no routes",
		      not_kept ? "; " : "", not_kept ? not_kept : "");
	if (status->state == SM_STANDBY && status->peer_guid)
		log_debug("standing by for 0x%016" PRIx64, status->peer_guid);
}

/* A line on the terminal while a large fabric comes up. */
static void on_progress(void *user)
{
	struct daemon *d = user;
	struct sm_status status;

	if (d->sm) {
		sm_status(d->sm, &status);
		fprintf(stderr,
			JOURNAL_CLEAR_LINE "%s: %u nodes, %u switches, %u ports active, %u not yet",
			sm_phase_name(status.phase), status.nodes, status.switches,
			status.ports_active, status.ports_not_active);
		fflush(stderr);
		d->progress_shown = true;
	}
	loop_timer_set(d->progress, loop_now(d->loop) + PROGRESS_TICK);
}

static void clear_progress(struct daemon *d)
{
	if (d->progress_shown)
		fputs(JOURNAL_CLEAR_LINE, stderr);
	d->progress_shown = false;
}

/* -- the end ------------------------------------------------------------------------------------
 */

/*
 * What was asked is waited for, so that nothing arrives for somebody who is gone; the one that
 * stands by, until it has heard that it is master; and dumps that are being written, so that they
 * are whole.
 */
static void on_stopping(void *user)
{
	struct daemon *d = user;
	bool idle = !d->sm || sm_is_idle(d->sm) || loop_now(d->loop) >= d->stop_at;

	if (idle && !dumper_is_busy(d->dumper))
		loop_exit(d->loop, d->exit_code);
	else
		loop_timer_set(d->stopping, loop_now(d->loop) + STOP_TICK);
}

static void stop_with(struct daemon *d, int code)
{
	if (d->stop_at)
		return;
	notify_stopping();
	d->exit_code = code;
	d->stop_at = loop_now(d->loop) + STOP_PATIENCE;
	dumper_look(d->dumper, NULL, NULL);
	if (d->sm)
		sm_stop(d->sm);
	loop_timer_stop(d->retry);
	loop_timer_set(d->stopping, loop_now(d->loop) + STOP_TICK);
}

/* -- the subnet manager -------------------------------------------------------------------------
 */

static bool is_all_up(const struct sm_status *status)
{
	return status->state == SM_MASTER && status->ports_not_active == 0 && !status->trouble;
}

static void finish_once(struct daemon *d, const struct sm_status *status)
{
	bool done = status->applied == status->generation;

	if (!done && ++d->settled < ONCE_TRIES)
		return;
	d->finishing = dumper_is_busy(d->dumper);
	if (d->finishing)
		return;
	if (status->state == SM_DISCOVERING)
		fputs("vsm: our own port does not answer\n", stderr);
	else if (status->state != SM_MASTER)
		fprintf(stderr, "vsm: %s; the subnet manager at 0x%016" PRIx64 " is master\n",
			sm_state_name(status->state), status->peer_guid);
	else if (status->trouble)
		fprintf(stderr, "vsm: %s\n", status->trouble);
	print_reasons(d->sm);
	stop_with(d, done && is_all_up(status) ? EXIT_UP : EXIT_FAILED);
}

static void on_settled(void *user)
{
	struct daemon *d = user;
	struct sm_status status;

	sm_status(d->sm, &status);
	clear_progress(d);
	loop_timer_stop(d->progress);
	say_status(d, &status);
	notify_ready();
	dumper_look(d->dumper, d->sm, d->conf.dump_dir);
	if (d->control)
		control_notify(d->control);
	if (d->options.once)
		finish_once(d, &status);
}

static void on_written(void *user)
{
	struct daemon *d = user;
	struct sm_status status;

	if (!d->finishing || !d->sm)
		return;
	sm_status(d->sm, &status);
	finish_once(d, &status);
}

static void on_named(void *user)
{
	struct daemon *d = user;

	dumper_look(d->dumper, d->sm, d->conf.dump_dir);
	on_written(d);
}

static void on_sm_event(void *user, const struct event *event)
{
	struct daemon *d = user;

	(void)event;
	if (d->control)
		control_notify(d->control);
}

static const struct sm_listener listener = { .settled = on_settled,
					     .named = on_named,
					     .event = on_sm_event };

/*
 * The partitions stay what they are, whatever is in the file when the port comes back. What the
 * subnet manager kept goes to the disk, and the next one reads it from there, as after a restart.
 */
static void close_port(struct daemon *d)
{
	struct store *store = d->sm ? TAKE(d->store) : NULL;

	dumper_look(d->dumper, NULL, NULL);
	if (d->sm)
		d->partitions = sm_take_partitions(d->sm);
	sm_free(TAKE(d->sm));
	store_close(store);
	transport_free(TAKE(d->transport));
}

static void on_port_gone(void *user)
{
	struct daemon *d = user;

	close_port(d);
	loop_timer_set(d->retry, loop_now(d->loop) + RETRY_OPEN);
}

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct daemon *d = user;

	if (!why) {
		sm_receive(d->sm, arrivals, n);
		return;
	}
	log_error("The port %s:%u is gone (%s)", d->transport->device, d->transport->port, why);
	snprintf(d->trouble, sizeof(d->trouble), "The port is gone: %s.", why);
	/* Not from within its own callback. */
	loop_timer_set(d->retry, loop_now(d->loop));
}

static int load_partitions(const struct conf *conf, struct partitions **ret,
			   struct conf_error *reterr)
{
	struct partition_options options = { .allow_both = conf->allow_both_pkeys };

	if (conf->partition_file[0] == 0)
		return partitions_default(ret);

	return partitions_load(conf->partition_file, &options, ret, reterr);
}

static int load_qos(const struct conf *conf, struct qos_policy **ret, struct conf_error *reterr)
{
	if (conf->qos_policy_file[0] == 0)
		return 0;

	return qos_policy_load(conf->qos_policy_file, ret, reterr);
}

static const struct options_limits limits = { NAMES_FILE_MAX, GUID2LID_FILE_MAX };

static void warn(void *user, const char *sentence)
{
	(void)user;
	log_warning("%s", sentence);
}

/* That of before is the caller's then. */
static void use_qos(struct daemon *d, struct qos_policy **qos)
{
	struct qos_policy *former = d->qos;

	d->qos = *qos;
	*qos = former;
	if (d->sm)
		sm_set_qos_policy(d->sm, d->qos);
}

static int make_sm(struct daemon *d)
{
	struct sm_setup setup = { .loop = d->loop,
				  .transport = d->transport,
				  .keeper = store_keeper(d->store),
				  .conf = &d->conf,
				  .partitions = d->partitions,
				  .listener = &listener,
				  .user = d };
	int r = sm_new(&setup, &d->sm);

	if (r < 0)
		return r;
	d->partitions = NULL;
	sm_set_qos_policy(d->sm, d->qos);
	d->transport->fn = on_arrival;
	d->transport->user = d;
	sm_start(d->sm);

	return 0;
}

static int open_port(struct daemon *d, char why[static 256])
{
	struct transport_choice choice = { .device = d->conf.device,
					   .port = d->conf.port_number,
					   .port_guid = d->conf.port_guid };
	int r = transport_umad_open(d->loop, &choice, why, &d->transport);

	if (r == 0 && !d->store)
		r = store_open(d->loop, d->conf.state_dir, why, &d->store);
	if (r < 0)
		return r;
	log_info("Using %s port %u, GUID 0x%016" PRIx64, d->transport->device, d->transport->port,
		 d->transport->port_guid);
	d->trouble[0] = 0;

	return make_sm(d);
}

static void wait_for_port(struct daemon *d, const char *why)
{
	if (strcmp(d->trouble, why) != 0) {
		log_warning("%s Trying again every %u seconds.", why,
			    (unsigned)(RETRY_OPEN / LOOP_SEC));
		snprintf(d->trouble, sizeof(d->trouble), "%s", why);
	}
	notify_status("waiting: %s", why);
	notify_ready();
	loop_timer_set(d->retry, loop_now(d->loop) + RETRY_OPEN);
}

static void on_retry(void *user)
{
	struct daemon *d = user;
	char why[256] = "";
	int r;

	if (d->sm) {
		on_port_gone(d);
		return;
	}
	close_port(d);
	r = open_port(d, why);
	if (r == 0)
		return;
	close_port(d);
	if (!why[0])
		snprintf(why, sizeof(why), "Cannot manage a subnet: %s.", strerror(-r));
	if (!d->options.once) {
		wait_for_port(d, why);
		return;
	}
	fprintf(stderr, "vsm: %s\n", why);
	stop_with(d, EXIT_NO_DEVICE);
}

/* -- reload -------------------------------------------------------------------------------------
 */

struct changes {
	unsigned applied;
	unsigned waiting; /* for a restart */
	char names[256];
	const struct reload_teller *teller; /* wants to know each; or NULL */
};

static void add_name(struct changes *c, const char *name)
{
	size_t used = strlen(c->names), room = sizeof(c->names) - used;
	int n = snprintf(c->names + used, room, "%s%s", used ? ", " : "", name);

	if (n >= (int)room)
		strcpy(c->names + MIN(used, sizeof(c->names) - sizeof(", ...")), ", ...");
}

static void take_change(void *user, const struct conf_change *change)
{
	struct changes *c = user;

	log_info("Reload: %s: %.200s is %s %.200s%s", change->path, change->before,
		 change->restart ? "to be" : "now", change->after,
		 change->restart ? " (needs a restart)" : "");
	if (c->teller)
		c->teller->change(c->teller->user, change);
	if (!change->restart) {
		c->applied++;
		return;
	}
	c->waiting++;
	add_name(c, change->path);
}

static void take_doubt(void *user, const char *sentence)
{
	const struct changes *c = user;

	warn(NULL, sentence);
	if (c->teller)
		c->teller->doubt(c->teller->user, sentence);
}

static int reload(void *user, char ret_text[static CONTROL_TEXT_SIZE],
		  const struct reload_teller *teller)
{
	struct daemon *d = user;
	AUTO(freep) struct conf *conf = malloc(sizeof(*conf));
	AUTO(partitions_freep) struct partitions *partitions = NULL;
	AUTO(qos_policy_freep) struct qos_policy *qos = NULL;
	struct conf_error error = { 0 };
	struct changes changes = { .teller = teller };
	int r;

	if (!conf) {
		snprintf(ret_text, CONTROL_TEXT_SIZE, "out of memory; nothing has changed");
		return -ENOMEM;
	}
	r = options_load_conf(&d->options, conf, &error);
	if (r == 0)
		r = load_partitions(conf, &partitions, &error);
	if (r == 0)
		r = load_qos(conf, &qos, &error);
	if (r < 0) {
		snprintf(ret_text, CONTROL_TEXT_SIZE, "%s; nothing has changed", error.text);
		return r;
	}
	conf_tell_changes(&d->conf, conf, take_change, &changes);
	conf_keep_restart(&d->conf, conf);
	d->conf = *conf;
	log_set_level(d->conf.log_level);
	options_tell_overridden(&d->options, take_doubt, &changes);
	options_check_files(&d->conf, &limits, take_doubt, &changes);
	use_qos(d, &qos);
	doubts_tell(&d->conf, partitions, d->qos, take_doubt, &changes);
	if (d->sm) {
		sm_reconfigure(d->sm, &d->conf, TAKE(partitions));
		sm_tell_doubts(d->sm, take_doubt, &changes);
	} else {
		partitions_free(d->partitions);
		d->partitions = TAKE(partitions);
	}
	if (!d->stop_at)
		dumper_look(d->dumper, d->sm, d->conf.dump_dir);
	snprintf(ret_text, CONTROL_TEXT_SIZE, "%u option%s changed%s%s%s", changes.applied,
		 changes.applied == 1 ? "" : "s", changes.waiting ? "; needs a restart: " : "",
		 changes.names, "; partitions are read again");

	return 0;
}

/* -- signals, watchdog --------------------------------------------------------------------------
 */

static void on_signal(void *user, int number)
{
	struct daemon *d = user;
	char text[CONTROL_TEXT_SIZE];

	if (number != SIGHUP) {
		stop_with(d, EXIT_UP);
		return;
	}
	notify_reloading();
	if (reload(d, text, NULL) < 0)
		log_error("Reload: %s", text);
	else
		log_info("Reload: %s", text);
	notify_ready();
}

/* Alive means getting on. */
static bool makes_progress(void *user)
{
	struct daemon *d = user;
	struct sm_status status;
	const char *why;

	if (!d->sm)
		return true;
	sm_status(d->sm, &status);
	why = progress_look(&d->work, &(struct progress_sample){
					      .now = loop_now(d->loop),
					      .reconcile = status.sweeps,
					      .phase = status.phase,
					      .rests = status.phase == PHASE_REST,
					      .computes = status.phase == PHASE_PLAN,
					      .sent = requests_totals(sm_requests(d->sm))->sent,
					      .heard = requests_totals(sm_requests(d->sm))->heard,
				      });
	if (why && why != d->stuck)
		log_error("%s", why);
	d->stuck = why;

	return !why;
}

/* -- life ---------------------------------------------------------------------------------------
 */

static void take_over_lids(struct daemon *d)
{
	struct guid2lid_counts counts;

	if (d->conf.import_guid2lid[0] == 0 || !store_is_empty(d->store))
		return;
	if (store_import_guid2lid(d->store, d->conf.import_guid2lid, &counts) == 0)
		log_info("%u LIDs taken over from %s, %u refused", counts.taken,
			 d->conf.import_guid2lid, counts.refused);
}

static uint64_t dumped(void *user)
{
	const struct daemon *d = user;

	return dumper_shows(d->dumper);
}

static bool dump_failed(void *user, struct dump_failure *ret)
{
	const struct daemon *d = user;

	return dumper_failed(d->dumper, ret);
}

static const char *why_not_kept(void *user)
{
	const struct daemon *d = user;

	return d->store ? store_trouble(d->store) : NULL;
}

static int open_control(struct daemon *d)
{
	struct control_setup setup = { .sm = &d->sm,
				       .trouble = d->trouble,
				       .reload = reload,
				       .dumped = dumped,
				       .dump_failed = dump_failed,
				       .store_trouble = why_not_kept,
				       .user = d,
				       .version = PACKAGE_VERSION };
	char why[256] = "";
	int r;

	if (d->options.once)
		return 0;
	r = control_new(d->loop, d->conf.socket, &setup, why, &d->control);
	if (r < 0)
		fprintf(stderr, "vsm: %s\n", why);

	return r;
}

static int make_timers(struct daemon *d)
{
	int r = loop_timer_new(d->loop, on_retry, d, &d->retry);

	if (r == 0)
		r = loop_timer_new(d->loop, on_progress, d, &d->progress);
	if (r == 0)
		r = loop_timer_new(d->loop, on_stopping, d, &d->stopping);
	if (r == 0)
		r = dumper_new(d->loop, on_written, d, &d->dumper);
	if (r == 0 && isatty(STDERR_FILENO))
		loop_timer_set(d->progress, loop_now(d->loop) + PROGRESS_TICK);

	return r;
}

static int start(struct daemon *d)
{
	char why[256] = "";
	int r = loop_new(&d->loop);

	if (r == 0)
		r = loop_watch_signals(d->loop, on_signal, d);
	if (r == 0)
		r = loop_set_watchdog(d->loop, makes_progress, d);
	if (r == 0)
		r = make_timers(d);
	if (r < 0) {
		fprintf(stderr, "vsm: cannot start: %s\n", strerror(-r));
		return r;
	}
	r = store_open(d->loop, d->conf.state_dir, why, &d->store);
	if (r < 0) {
		fprintf(stderr, "vsm: %s\n", why);
		return r;
	}
	take_over_lids(d);
	r = open_control(d);
	if (r < 0)
		return r;
	loop_timer_set(d->retry, loop_now(d->loop));

	return 0;
}

/* Also after a start that failed: any part may not be there. */
static void stop(struct daemon *d)
{
	clear_progress(d);
	control_free(d->control);
	dumper_free(d->dumper);
	sm_free(d->sm);
	transport_free(d->transport);
	partitions_free(d->partitions);
	qos_policy_free(d->qos);
	store_close(d->store);
	loop_timer_free(d->retry);
	loop_timer_free(d->progress);
	loop_timer_free(d->stopping);
	loop_free(d->loop);
}

static void complain(void *user, const char *sentence)
{
	(void)user;
	fprintf(stderr, "vsm: %s\n", sentence);
}

static int forget_lid(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max)
{
	(void)user, (void)guid, (void)lid_min, (void)lid_max;

	return 0;
}

/* What reading these files would say; the fabric and the state directory are not touched. */
static void say_what_files_have(const struct conf *conf)
{
	struct guid2lid_counts counts;
	struct names names = { 0 };

	names_refresh(&names, conf->node_name_map);
	names_done(&names);
	if (conf->import_guid2lid[0])
		guid2lid_import(conf->import_guid2lid, forget_lid, NULL, &counts);
}

/* All that a start would say, as far as it knows without a device. */
static int check_config(const struct daemon *d)
{
	options_tell_overridden(&d->options, warn, NULL);
	doubts_tell(&d->conf, d->partitions, d->qos, warn, NULL);
	if (options_check_files(&d->conf, &limits, complain, NULL) > 0)
		return EXIT_USAGE;
	say_what_files_have(&d->conf);
	puts("The configuration is valid.");

	return EXIT_UP;
}

static int configure(struct daemon *d)
{
	struct conf_error error = { 0 };
	int r = options_load_conf(&d->options, &d->conf, &error);

	if (r == 0)
		r = load_partitions(&d->conf, &d->partitions, &error);
	if (r == 0)
		r = load_qos(&d->conf, &d->qos, &error);
	if (r < 0)
		fprintf(stderr, "vsm: %s\n", error.text);

	return r;
}

/* A reader that has gone, or a limit on the size of files, is an error of write() and no end. */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	AUTO(freep) struct daemon *d = calloc(1, sizeof(*d));
	int code;

	if (!d || file_fill_standard() < 0)
		return EXIT_FAILED;
	ignore_signals();
	code = options_parse(argc, argv, &d->options);
	if (code >= 0)
		return code;
	if (configure(d) < 0) {
		stop(d);
		return EXIT_USAGE;
	}
	journal_start(&d->progress_shown);
	if (d->options.check_config) {
		code = check_config(d);
		stop(d);
		return code;
	}
	log_set_level(d->conf.log_level);
	options_tell_overridden(&d->options, warn, NULL);
	options_check_files(&d->conf, &limits, warn, NULL);
	doubts_tell(&d->conf, d->partitions, d->qos, warn, NULL);
	code = start(d) == 0 ? loop_run(d->loop) : EXIT_FAILED;
	stop(d);

	return code < 0 ? EXIT_FAILED : code;
}
