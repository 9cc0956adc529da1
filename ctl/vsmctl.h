/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the files of vsmctl share.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes; vsmctl(1) lists them. */
enum result {
	RESULT_OK = 0,
	RESULT_FAILED = 1,
	RESULT_USAGE = 2,
	RESULT_NOT_RUNNING = 3,
	RESULT_NOT_FOUND = 4,
	RESULT_DENIED = 5,
	RESULT_NOT_MASTER = 6,
	RESULT_DEGRADED = 7,
	RESULT_TIMEOUT = 8,
};

/* -- the daemon: vsmctl-client.c ----------------------------------------------------------------
 */

struct client;

/*
 * What fails has been said on standard error. All calls together may take @timeout_s from now on;
 * 0: as long as they like.
 */
enum result client_open(const char *path, unsigned timeout_s, struct client **ret);
void client_close(struct client *client);

/* @params are taken over. The result of the call belongs to the caller. */
enum result client_call(struct client *client, const char *method, json_t *params, json_t **ret);

/* The same for a method that answers with pages of the list @list: all of it as one. */
enum result client_call_all(struct client *client, const char *method, json_t *params,
			    const char *list, json_t **ret);

/* The next event for one that follows; waits for it, for ever. */
enum result client_next_event(struct client *client, json_t **ret);

/* -- text: vsmctl-text.c ------------------------------------------------------------------------
 */

/* What could steer a terminal becomes a question mark. */
void make_printable(char *text);

/* A text of the daemon's, made printable where it is; NULL if it is none. */
const char *text_of(json_t *value);

/* Members of @object, with what stands for one that is missing. */
const char *member_text(const json_t *object, const char *key, const char *otherwise);
long long member_number(const json_t *object, const char *key);
bool member_is_true(const json_t *object, const char *key);

/* "vsmctl: sentence" on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- tables: vsmctl-table.c ---------------------------------------------------------------------
 */

enum paint {
	PAINT_NONE,
	PAINT_GOOD,
	PAINT_WARN,
	PAINT_BAD,
	PAINT_DIM,
};

struct table {
	const char *const *heads; /* ends with NULL; one that begins with '>' is set right */
	char **cells;             /* row after row */
	uint8_t *paints;
	size_t n_columns;
	size_t n_cells;
	size_t room;
};

struct table table_start(const char *const *heads);

/* The next cell, from left to right and row to row. */
void table_add(struct table *table, enum paint paint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints it and frees all. The last column is as wide as it likes. */
void table_end(struct table *table, bool colour);

/* @text in the colour of @paint. */
void print_painted(bool colour, enum paint paint, const char *text);

/* -- waiting: vsmctl-partition.c ----------------------------------------------------------------
 */

/*
 * Until the devices hold what @result, of a change, is about; brings @result up to date.
 * RESULT_DEGRADED: some will not, and are named on standard error.
 */
enum result wait_applied(struct client *client, json_t *result);

/* -- for people: vsmctl-show.c and others -------------------------------------------------------
 */

struct view {
	bool colour;
	bool problems; /* the list was restricted to problems */
	bool some;     /* it was restricted to some things */
};

void show_status(const json_t *result, const struct view *view);
/* One a line: names that are words for a shell to complete. */
void show_names(const json_t *rows);
void show_nodes(const json_t *result, const struct view *view);
void show_ports(const json_t *result, const struct view *view);
void show_links(const json_t *result, const struct view *view);
void show_vfs(const json_t *result, const struct view *view);
/* Rows of virtual functions as a table, and what their reasons mean. */
void show_vf_rows(const json_t *rows, const struct view *view);
void show_groups(const json_t *result, const struct view *view);
void show_group(const json_t *result, const struct view *view);
void show_partitions(const json_t *result, const struct view *view);
void show_partition(const json_t *result, const struct view *view);
void show_partition_change(const json_t *result, const struct view *view);
void show_routes(const json_t *result, const struct view *view);
void show_path(const json_t *result, const struct view *view);
void show_explain(const json_t *result, const struct view *view);
void show_event(const json_t *event, const struct view *view);
void show_events(const json_t *result, const struct view *view);
void show_stats(const json_t *result, const struct view *view);
void show_version(const json_t *result, const struct view *view);
void show_sweep(const json_t *result, const struct view *view);
void show_reload(const json_t *result, const struct view *view);
void show_vf_add(const json_t *result, const struct view *view);
void show_vf_move(const json_t *result, const struct view *view);
void show_vf_remove(const json_t *result, const struct view *view);
void show_services(const json_t *result, const struct view *view);
void show_subscriptions(const json_t *result, const struct view *view);
void show_vf_show(const json_t *result, const struct view *view);

/* vsmctl-help.c; @some: it is about some verbs, and not about all */
void help_begin(bool some);
void help_show_verb(bool some, const char *name, const char *arguments, const char *sentence);
void help_end(bool some, const char *socket, int timeout_s);

/* "45s", "12m", "3h", "2d" */
const char *age_text(long long seconds, char ret[static 24]);
/* "4X EDR", "-" without a link */
const char *link_text(const json_t *object, const char *width, const char *speed,
		      char ret[static 32]);
/* "host1/1/vf3" of a virtual function: what explain takes, too */
const char *vf_text(const json_t *vf, char ret[static 320]);
/* "leaf1/7" of the end of a link, "-" for none */
const char *end_text(const json_t *end, char ret[static 320]);
