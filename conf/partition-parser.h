/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the two halves of the partition parser share: partition-parse.c walks through the file,
 * partition-flags.c knows the flags. Results are 0 or -errno, the sentence then said.
 */

#include "conf/input.h"
#include "conf/partition-draft.h"
#include "conf/span.h"

struct parser {
	const char *at, *end;
	unsigned line;
	const char *name; /* of the file */
	bool allow_both;
	struct draft *draft;
	struct conf_error *reterr;
};

/* What the head of a definition says. */
struct head {
	struct span name;
	uint16_t pkey; /* 0: none */
	bool indx0, ipoib;
	enum partition_membership defmember;
	struct partition_params params;
	uint32_t partition; /* in the draft */
	unsigned line;
};

/* Say what is wrong with the line where the parser is; -EINVAL. */
int parser_refuse(const struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A piece of the file for the "%s" of a sentence. */
#define SHOW(span) input_show((span).at, (span).length, (char[INPUT_SHOWN_SIZE]){ 0 })

/*
 * All of @flags, separated by commas. With @head they are those of a partition's head and may be
 * about it; without, those of an mgid line.
 */
int parser_take_flags(const struct parser *parser, struct span flags, struct head *head,
		      struct partition_params *params);

int parser_take_membership(const struct parser *parser, struct span value,
			   enum partition_membership *ret);

/*
 * Add what @from gives to the parameters of a partition. Two definitions may each say how its
 * broadcast group is made, but not in two ways: returns the flag that they differ in, or NULL.
 */
const char *parser_merge_params(struct partition_params *to, const struct partition_params *from);
