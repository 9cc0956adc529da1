/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How the preload libvsm-umad.so and vsm-sim talk: ibsim's client protocol, carried by a stream and
 * extended by what ibsim has not.
 *
 * ibsim's own protocol costs a system call for each packet on each side, knows only the first port
 * of a node, no GRH and no P_Key, and gives back at once what it cannot deliver. Here many
 * packets travel in one write() and one read(), and what cannot be delivered is lost, as on a wire.
 *
 * Where. On the same machine: an abstract Unix stream socket named "<base>:stream", where <base> is
 * $IBSIM_SOCKNAME or "sim"; as with all of ibsim's names, one trailing NUL belongs to the name and
 * counts in the length of the address. From elsewhere: TCP, port P + STREAM_TCP_OFFSET, where P is
 * ibsim's ($IBSIM_SERVER_PORT or IBSIM_PORT). A connection is one attachment to one port (or one
 * virtual function of it): a program that uses two ports connects twice. Its end, for whatever
 * reason, is the end of the attachment: the server frees the client id, takes IsSM off the port if
 * this client had set it, and forgets what it had registered.
 *
 * Frames. Everything is a frame: struct stream_header and that many bytes. All numbers of headers
 * and control messages are in the byte order of the machine, and both sides must have the same:
 * the magic in the first frame tells. Who gets a frame that is longer than STREAM_FRAME_MAX, of an
 * unknown kind or of a wrong length for its kind closes the connection: there is no way to find the
 * next frame.
 *
 *	HELLO	struct stream_hello. The first frame from each side, sent without waiting for the
 *		other's. A wrong magic or version: close.
 *	CONTROL	struct stream_control and @len bytes of data. Only the client asks; each question
 *		gets exactly one CONTROL back, in the order of asking, between any packets. It has
 *		the type of the question, or IBSIM_CTL_ERROR and a uint32_t errno as data.
 *	PACKET	struct stream_packet. A MAD, either way. Nothing comes back for one that is lost,
 *		malformed or has nowhere to go.
 *
 * Control messages with types below 32 are ibsim's: 80 bytes, data as in ibsim.h. The stream has no
 * IBSIM_CTL_CONNECT and no IBSIM_CTL_DISCONNECT: STREAM_CTL_CONNECT is the first message, and there
 * is one per connection. IBSIM_CTL_GET_PORTINFO may name any port of the node (0: the one
 * attached to; for a virtual function it shows its own LID, SM LID and state; of a switch, port 0
 * is port 0). GET_PORT, GET_VENDOR, GET_NODEINFO (PortGUID and LocalPort are those of the attached
 * port), SET_ISSM as in ibsim; an SM that sets IsSM where another client has: error EBUSY.
 */

#include <assert.h>
#include <stdint.h>

#define IBSIM_BASE      "sim"
#define STREAM_SUFFIX   ":stream"
#define STREAM_MAGIC    0x736d7376u /* on a little-endian machine "vsms" */
#define IBSIM_CTL_MAGIC 0xdeadbeefu
#define IBSIM_PORT      7070

enum {
	STREAM_TCP_OFFSET = 100,
	STREAM_VERSION = 1,
	STREAM_FRAME_MAX = 4096, /* after the header */
	IBSIM_CTL_DATA = 64,
	IBSIM_NODE_SIZE = 32, /* of a name in ibsim's CONNECT, NUL included */
	IBSIM_CLIENTS = 10,
	STREAM_MAD_SIZE = 256,
	STREAM_CLIENTS = 255, /* client ids are 1 to 255: the kernel's TIDs have a zero on top */
};

enum stream_kind {
	STREAM_HELLO = 1,
	STREAM_CONTROL = 2,
	STREAM_PACKET = 3,
};

struct stream_header {
	uint32_t length; /* of what follows */
	uint32_t kind;
};

struct stream_hello {
	uint32_t magic;
	uint32_t version;
	uint32_t flags; /* 0; unknown ones are ignored */
};

struct stream_control {
	uint32_t magic;  /* IBSIM_CTL_MAGIC */
	uint32_t client; /* 0; the connection tells */
	uint32_t type;
	uint32_t len; /* of the data that follows */
};

enum ibsim_ctl {
	IBSIM_CTL_ERROR = 0,
	IBSIM_CTL_CONNECT = 1,
	IBSIM_CTL_DISCONNECT = 2,
	IBSIM_CTL_GET_PORT = 3,
	IBSIM_CTL_GET_VENDOR = 4,
	IBSIM_CTL_GET_GID = 5,
	IBSIM_CTL_GET_GUID = 6,
	IBSIM_CTL_GET_NODEINFO = 7,
	IBSIM_CTL_GET_PORTINFO = 8,
	IBSIM_CTL_SET_ISSM = 9,
	IBSIM_CTL_GET_PKEYS = 10,
	STREAM_CTL_CONNECT = 32,    /* struct stream_connect, both ways */
	STREAM_CTL_GET_NODE = 33,   /* nothing -> struct stream_node */
	STREAM_CTL_GET_GIDS = 34,   /* struct stream_table -> the same with 4 GIDs */
	STREAM_CTL_GET_PKEYS = 35,  /* struct stream_table -> the same with 32 P_Keys, big-endian */
	STREAM_CTL_REGISTER = 36,   /* struct stream_agent -> the same */
	STREAM_CTL_UNREGISTER = 37, /* struct stream_agent, only id counts -> the same */
};

/*
 * Attach to a port. Errors: ENOENT (no such node), ENODEV (no such port or virtual function),
 * EAGAIN (no client id left).
 *
 * A client that attaches to virtual function n of a port (from 1 on) sees its GUID, LID, state and
 * P_Keys, sends with its LID and GID, and gets what is addressed to them.
 */
struct stream_connect {
	char node[64];   /* node id or node description; "": the first. Comes back filled */
	uint32_t pid;    /* of the client, for messages */
	uint32_t client; /* comes back: 1 to STREAM_CLIENTS, the bits 63 to 48 of its TIDs */
	uint8_t port;    /* 0: the first of an HCA, port 0 of a switch. Comes back filled */
	uint8_t reserved;
	uint16_t vf; /* 0: the port itself */
	uint64_t reserved2;
};

/*
 * What becomes of SMPs that a client writes. A virtual function of a shared port or a vport has no
 * QP0: the driver of the physical function (mlx4) drops them without a word, and that of the VF
 * (mlx5, has_smi) does not take them.
 */
enum stream_smi {
	STREAM_SMI_SENT = 0,
	STREAM_SMI_LOST = 1,
	STREAM_SMI_REFUSED = 2,
};

struct stream_node {
	uint8_t n_ports; /* of an HCA; sysfs shows all of them. A switch has only port 0 there */
	uint8_t type;    /* 1 HCA, 2 switch, 3 router */
	uint16_t vf;     /* that this client is attached to */
	uint8_t smi;     /* enum stream_smi */
	uint8_t reserved[3];
	uint64_t guid; /* of the port, or the virtual function, that this client is attached to */
	char description[64];
	char name[64]; /* of the node in the simulator's file */
};

/* A part of a table of @port (0: the one attached to). What is beyond the table is zeros. */
struct stream_table {
	uint8_t port;
	uint8_t reserved;
	uint16_t first; /* GID number, or block of 32 P_Keys */
	uint16_t size;  /* comes back: GIDs, or P_Keys, that the whole table has */
	uint16_t reserved2;
	union {
		uint8_t gids[4][16];
		uint8_t pkeys[32][2];
	};
};

/*
 * What a program wants to get. Requests (a MAD whose method has no response bit, and is not
 * TrapRepress) that arrive at the port go to the client that registered the method for their class
 * and version, and OUI (zeros elsewhere) where the class is one of 0x30 to 0x4f: one client, or
 * none, because a second registration of the same method is refused with EINVAL. Class 0x81 is not
 * class 0x01. With nobody there, a Get or a Set is answered with GetResp and status 0x000c, as the
 * kernel does, and the rest is dropped. Responses go to the client whose id is in bits 63 to 48 of
 * the TID, whether it registered anything or not. An agent without methods need not be told.
 */
struct stream_agent {
	uint32_t id; /* chosen by the client */
	uint8_t class;
	uint8_t version;
	uint8_t qp; /* 0 or 1 */
	uint8_t reserved;
	uint8_t oui[3];
	uint8_t reserved2;
	uint8_t methods[16]; /* bit n % 8 of byte n / 8: method n */
};

/* As ibsim has it. LIDs: 16 bits in network order in the first two bytes. */
struct ibsim_packet {
	uint8_t dlid[4]; /* 0xffff: directed route */
	uint8_t slid[4]; /* from the client 0 (or 0xffff): the server fills it in */
	uint8_t dqp[4];  /* big-endian, as all below */
	uint8_t sqp[4];
	uint8_t status[4]; /* 110: this is your own packet, it could not be delivered. Not on a
			      stream */
	uint8_t pad[4];
	uint8_t length[8];
	uint8_t mad[STREAM_MAD_SIZE];
};

/*
 * What ibsim has not. From the client: sl, gid_index, path_bits and pkey_index are those that the
 * program gave to its driver; with @grh also dgid, hop_limit, traffic_class, flow_label. The server
 * fills in the rest (SGID, P_Key). To the client: of the packet that arrived; gid_index is where
 * DGID is in the port's table, pkey_index where the P_Key is, path_bits the low @lmc bits of DLID.
 *
 * Directed routes: hop_ptr is 0 either way, as with ibsim. The server does not expect it to
 * be moved, and the client knows that what it gets has arrived. In a request that goes to a
 * client the return path is filled in; a response from a client is sent along it.
 */
struct stream_extras {
	uint8_t grh; /* 1: the packet has one */
	uint8_t sl;
	uint8_t path_bits;
	uint8_t lmc; /* of the port that it arrived at */
	uint16_t pkey_index;
	uint8_t gid_index;
	uint8_t hop_limit;
	uint8_t sgid[16];
	uint8_t dgid[16];
	uint8_t flow_label[4]; /* big-endian */
	uint8_t traffic_class;
	uint8_t reserved[3];
};

struct stream_packet {
	struct ibsim_packet packet;
	struct stream_extras extras;
};

static_assert(sizeof(struct stream_header) == 8, "explicit layout");
static_assert(sizeof(struct stream_hello) == 12, "explicit layout");
static_assert(sizeof(struct stream_control) == 16, "as in ibsim.h");
static_assert(sizeof(struct stream_connect) == 88, "explicit layout");
static_assert(sizeof(struct stream_node) == 144, "explicit layout");
static_assert(sizeof(struct stream_table) == 72, "explicit layout");
static_assert(sizeof(struct stream_agent) == 28, "explicit layout");
static_assert(sizeof(struct ibsim_packet) == 288, "as in ibsim.h");
static_assert(sizeof(struct stream_extras) == 48, "explicit layout");
static_assert(sizeof(struct stream_packet) == 336, "explicit layout");
