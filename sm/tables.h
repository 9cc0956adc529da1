/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What devices hold and should hold: PortInfo, P_Keys, forwarding tables; and routes.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* tables.c: what is read and written besides PortInfo; the next request of a kind, false: no more.
 */
bool tables_ask_pkey_read(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_pkey_write(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_switch_set(struct sm *sm, struct node *node, struct request *ret);
void tables_doubt_keys(struct sm *sm, uint32_t port, enum port_state before);
/* PortStateChange was read from this switch. */
void tables_doubt_neighbors(struct sm *sm, struct node *node, bool changed);
void tables_take_pkeys(struct sm *sm, struct node *node, const struct answer *answer);
void tables_take_switch_set(struct sm *sm, struct node *node, const struct answer *answer);
void tables_take_cleared(struct sm *sm, struct node *node, const struct answer *answer);
/* Somebody else may have written: what the tables of this device hold is not known. */
void tables_doubt(struct sm *sm, struct node *node);
/* The same, of the P_Keys of one port. */
void tables_forget_keys(struct sm *sm, uint32_t port);
/* The switch holds nothing of what it did: it has restarted, or somebody cleared it. */
void tables_forget(struct sm *sm, struct node *node);

/* lft.c: linear forwarding tables, the same. */
bool lft_ask_read(struct sm *sm, struct node *node, struct request *ret);
bool lft_ask_write(struct sm *sm, struct node *node, struct request *ret);
void lft_take(struct sm *sm, struct node *node, const struct answer *answer);
/* The switch refuses to hold this block as planned, and is not asked in this sweep. */
bool lft_leave_block(const struct sm *sm, const struct sw *sw, unsigned block);
/* LinearFDBTop as it is; and as it should be: the last LID that the switch needs an entry for. */
unsigned lft_top_now(const struct sw *sw);
unsigned lft_top(const struct sm *sm, const struct sw *sw);
/* It was @before, in the midst of a block: nobody has told what is behind it there. */
void lft_doubt_block_of_top(struct sm *sm, struct node *node, unsigned before);
void lft_set_known(struct sw *sw, unsigned block, bool known);
/* The exit for @lid, as was last heard. NULL has none. */
uint8_t lft_held(const struct sw *sw, unsigned lid);
/* LIDs to which a switch, of those that take part, refuses to hold the route. */
void lft_find_unwritten(struct sm *sm);

/* withdraw.c: from the tables that switches hold to others. @switches: nodes, a row each. */
/* Although the tables in use are for this fabric, switches hold others: who else wrote them? */
bool withdraw_is_due(const struct sm *sm, const uint32_t *switches, uint32_t n);
/* A copy of what they hold that can matter to a plan for @max_lid; lft stays NULL if nothing. */
int withdraw_copy_held(const struct sm *sm, const uint32_t *switches, uint32_t n, uint16_t max_lid,
		       struct tables *ret);
bool withdraw_ask(struct sm *sm, struct node *node, struct request *ret);

/* settings-plan.c: PortInfo as it should be; settings.c: the Sets that make it so. */
enum { SETTING_MAX = 31, SETTING_LIFE_TIME = 31 /* of SwitchInfo; port 0 */ };
unsigned settings_plan(const struct sm *sm, uint32_t port, uint8_t ret[static SMP_DATA_SIZE]);
/*
 * In what is to be sent, fields that say "no change" with 0, or must not be written back as they
 * were read, do no harm; @differ: settings_plan().
 */
void settings_make_neutral(uint8_t info[static SMP_DATA_SIZE], unsigned differ);
/* Which of the settings that were sent are not in the answer? */
void settings_note_not_kept(struct sm *sm, uint32_t port, const struct answer *answer);
bool settings_ask_set(struct sm *sm, struct node *node, bool activate, struct request *ret);
void settings_take_set(struct sm *sm, uint32_t port, const struct answer *answer);
/* Read this port again, and then decide. */
void settings_look_again(struct sm *sm, uint32_t port);
/* Clients of all adapters are to register again: what they did is not known here. */
void settings_register_all(struct sm *sm);
/* Those of this one, in this reconcile. */
void settings_register_again(struct sm *sm, uint32_t port);
/* Is the link Active with another MTU or other VLs than would be planned now? */
bool settings_is_otherwise(const struct sm *sm, uint32_t port);
/* Does it hold the LID of a master that is none of ours, and would it hold ours? */
bool settings_has_another_master(const struct sm *sm, uint32_t port);
/* OperationalVLs as they are, or will be when the link comes up: a code. */
uint64_t settings_operational_vls(const struct sm *sm, uint32_t port);
bool setting_is_of(const struct node *node, unsigned setting);
const char *setting_name(unsigned setting);
enum wire_field setting_field(unsigned setting);

/* fdr10.c: the vendor's link speed. */
/* PortInfo was read. */
void fdr10_look(struct sm *sm, uint32_t port);
/* Before anything else is set: give those work whose speed is not as wanted. */
void fdr10_plan(struct sm *sm);
bool fdr10_ask_read(struct sm *sm, struct node *node, struct request *ret);
bool fdr10_ask_set(struct sm *sm, struct node *node, struct request *ret);
void fdr10_take(struct sm *sm, uint32_t port, const struct answer *answer);
/* It has left, and may come back with other speeds. */
void fdr10_went(struct node *node);
/* What it is set to is not known. */
void fdr10_look_again(struct sm *sm, uint32_t port);
/* What it did not do is tried again. */
void fdr10_forget(struct node *node);

/* pkeys.c: the P_Key table of a port as it should be; how many entries, holes are 0. */
unsigned pkeys_plan(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room);
unsigned pkeys_capacity(const struct sm *sm, uint32_t port);
/* Has the table of this end port room for all that it should have? */
bool pkeys_fit(const struct sm *sm, uint32_t port);
/* The device behind a switch port whose keys that port enforces, or NO_PORT. */
uint32_t pkeys_enforced_port(const struct sm *sm, uint32_t port);
bool pkeys_enforces(const struct sm *sm, uint32_t port);
/* Does the switch port before @end, if it looks, let the keys of a VF with @guid through? */
bool pkeys_pass(const struct sm *sm, uint32_t end, uint64_t guid);
/* False: they depend on a rule for VFs, and which one that is, is not known yet. */
bool pkeys_are_known(const struct sm *sm, uint32_t port);

enum partition_kind pkeys_kind_of(const struct node *node);
/* The rule of vsm.conf that may give it one more; NULL: it is no VF, or there is none. */
const struct vf_policy *pkeys_rule_of(const struct sm *sm, struct endpoint e);
/* What the table should hold is not what it holds, in this block; @ret is what it should hold. */
bool pkeys_differ(const struct pkey_table *held, const uint16_t *plan, unsigned n, unsigned block,
		  uint8_t ret[static SMP_DATA_SIZE]);
/* As pkeys_plan(), of a vport that has a table of its own. */
unsigned pkeys_plan_vf(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room);

/* pkeys-published.c: the tables of all end ports, for the SA. */
int pkeys_publish(struct sm *sm);
unsigned pkeys_published(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room);
/* The same, of a port or VF. */
unsigned pkeys_of_endpoint(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room);
void pkeys_done(struct sm *sm);

/* routes.c: forwarding tables, computed on another thread. */
/* 0: nothing to compute, 1: a job was started and sm_advance() will follow, -errno. */
int routes_plan(struct sm *sm);
/*
 * When there are tables: LIDs of vports, and spare ones, lead where those of their ports lead. 0; 1
 * if that is not as before, and new_columns is set; or -ENOMEM.
 */
int routes_add_vports(struct sm *sm);
/* Such a LID leads nowhere any more. */
void routes_drop(struct sm *sm, uint16_t lid);
/* There can be no plan now; sentence: see struct routing. */
void routes_fail(struct sm *sm, const char *trouble);
void routes_done(struct sm *sm);
