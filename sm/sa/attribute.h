/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the attributes of the subnet administrator have in common, for the files of sm/sa/ only. An
 * attribute is a table of components and a function that offers candidates; all that is decided by
 * comparing, counting or P_Keys is decided once, in admin.c.
 */

#include "sm/sa/admin.h"
#include "sm/sa/keys.h"

/* How a component of the question is compared with that of a candidate. */
enum admin_match {
	MATCH_NOT,   /* reserved, or the enumerator has done it */
	MATCH_FIELD, /* equal */
	MATCH_BYTES, /* equal, and longer than a field */
	MATCH_BITS,  /* equal, or with MODIFIER_CONTAINS at least these bits */
};

/* Attribute modifier of PortInfoRecord queries, IBA 15.2.5.3 */
#define MODIFIER_CONTAINS (UINT32_C(1) << 31)

/* Bit n of the ComponentMask selects the n-th of them. */
struct admin_component {
	uint8_t match;  /* enum admin_match */
	uint8_t offset; /* in the record: of the attribute that the field is of, or of the bytes */
	uint8_t bytes;  /* MATCH_BYTES: how many */
	uint16_t field; /* enum wire_field */
};

#define AT(offset_, field_)                                                                        \
	{                                                                                          \
		.match = MATCH_FIELD, .offset = (offset_), .field = (field_)                       \
	}
#define BITS_AT(offset_, field_)                                                                   \
	{                                                                                          \
		.match = MATCH_BITS, .offset = (offset_), .field = (field_)                        \
	}
#define BYTES_AT(offset_, bytes_)                                                                  \
	{                                                                                          \
		.match = MATCH_BYTES, .offset = (offset_), .bytes = (bytes_)                       \
	}
#define NOT_COMPARED                                                                               \
	{                                                                                          \
		.match = MATCH_NOT                                                                 \
	}

struct admin_query;

/* Methods that an attribute has, bits. */
enum admin_method {
	ADMIN_GET = 1u << 0,       /* one record; more are an error, and none is one */
	ADMIN_GET_TABLE = 1u << 1, /* any number, also none */
	ADMIN_GET_TRACE = 1u << 2, /* the same */
	ADMIN_GET_MULTI = 1u << 3, /* the same, and the question may be longer than a datagram */
	ADMIN_SET = 1u << 4,       /* change() */
	ADMIN_DELETE = 1u << 5,    /* change() */
};

struct admin_attribute {
	uint16_t id;
	uint16_t answer_id;  /* of the records, if that is another; else 0 */
	uint8_t methods;     /* bits of enum admin_method */
	bool by_routes;      /* what it says depends on them */
	bool only_trusted;   /* others are refused, IBA 15.4.1.2 */
	uint8_t record_size; /* a multiple of 8 where there are tables; at most SA_DATA_SIZE */
	uint8_t n_components;
	const struct admin_component *components;
	/* Offer every candidate until admin_offer() has enough, or set query->status. */
	void (*each)(struct admin_query *query);
	/*
	 * Set and Delete: do it, and admin_give() the record as it is then; or set query->status,
	 * or query->later.
	 */
	void (*change)(struct admin_query *query);
};

extern const struct admin_attribute admin_class_info;
extern const struct admin_attribute admin_node_record;
extern const struct admin_attribute admin_port_record;
extern const struct admin_attribute admin_sm_record;
extern const struct admin_attribute admin_path_record;
extern const struct admin_attribute admin_guid_record;
extern const struct admin_attribute admin_service_record;
extern const struct admin_attribute admin_switch_record;
extern const struct admin_attribute admin_lft_record;
extern const struct admin_attribute admin_mft_record;
extern const struct admin_attribute admin_sltovl_record;
extern const struct admin_attribute admin_vl_arbitration_record;
extern const struct admin_attribute admin_link_record;
extern const struct admin_attribute admin_pkey_record;
extern const struct admin_attribute admin_multi_path;
extern const struct admin_attribute admin_trace_record;
extern const struct admin_attribute admin_mc_member_record;
extern const struct admin_attribute admin_inform_info;
extern const struct admin_attribute admin_inform_record;

struct admin_query {
	const struct admin_view *view;
	const struct admin_attribute *attribute;
	const struct arrival *request;
	uint8_t method;
	const uint8_t *wanted; /* the record of the question, at least SA_DATA_SIZE bytes */
	size_t wanted_size;    /* more: it was put together from several datagrams */
	uint64_t mask;
	uint32_t modifier;
	struct endpoint requester; /* who asks; port NO_PORT: a stranger */
	bool trusted;              /* it knows our key: it sees everything */
	bool is_table;
	bool overflow;
	bool later;      /* what is asked for takes time */
	uint16_t status; /* what the enumerator finds wrong with the question */
	unsigned n;      /* records taken */
	unsigned n_offered;
	struct admin_answer *answer; /* where they go */
	struct admin_keys *visible;  /* P_Keys of the requester */
};

/* Does the question have component @n? */
static inline bool admin_has(const struct admin_query *query, unsigned n)
{
	return query->mask >> n & 1;
}

/* What admin_offer() takes for things that are not about one port: everybody may see them. */
#define FOR_EVERYBODY ((struct endpoint){ NO_PORT - 1, 0 })

/*
 * A candidate (record_size bytes) and whom it is about. Taken if it is what was asked for and the
 * requester may see that one. False: no more are needed.
 */
bool admin_offer(struct admin_query *query, struct endpoint subject, const uint8_t *record);

/* Take this one, whatever was asked for: what a change has made. The same result. */
bool admin_give(struct admin_query *query, const uint8_t *record);

/*
 * Call @offer for all ports and all vports that have a LID of their own, until it returns false; or
 * if the question has component @want_lid, for who has the LID that its field @lid says.
 */
void admin_offer_ends(struct admin_query *query, unsigned want_lid, enum wire_field lid,
		      bool (*offer)(struct admin_query *query, struct endpoint e));

/* All of these one after the other. */
struct admin_walk {
	uint32_t port;
	struct vf_walk vf;
};
bool admin_walk_next(const struct fabric *f, struct admin_walk *walk, struct endpoint *ret);

/* The same for the switches that are there, with the LID of each. */
void admin_offer_switches(struct admin_query *query, unsigned want_lid, enum wire_field lid,
			  bool (*offer)(struct admin_query *query, const struct node *node,
					uint16_t lid));

/* Is it the requester itself, or one of its virtual functions? */
bool admin_is_own(const struct admin_query *query, struct endpoint e);

/*
 * Is the requester in one partition with @port, an end port, or is it that port, or trusted?
 */
bool admin_sees(const struct admin_query *query, uint32_t port);
bool admin_sees_endpoint(const struct admin_query *query, struct endpoint e);

/* Is the requester ourselves, or does the operator trust it? */
bool admin_is_trusted(const struct admin_query *query);

/* What the requester, who is no stranger, registers is its own. */
struct registrant admin_registrant(const struct admin_query *query);

/* Is it in the fabric now, may it have LIDs, and has it some? */
bool admin_is_end(const struct fabric *f, uint32_t port);
