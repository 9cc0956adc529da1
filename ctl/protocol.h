/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the control socket and vsmctl agree on: JSON-RPC 2.0 over a stream socket, one object a
 * line. Requests have parameters by name. Lists come in pages: a result that has a member "next"
 * goes on, asked for with that number as parameter "from". An answer with no "id" and a "method" is
 * a notification (see method "events").
 */

#define PROTOCOL_LINE_MAX   (64 * 1024) /* bytes of a request with its line feed */
#define PROTOCOL_ANSWER_MAX (4 << 20)   /* bytes of an answer */
#define PROTOCOL_EVENT      "event"     /* method of the notification of one event */

/* Members "code" of "error". The first five are JSON-RPC's. */
enum protocol_error {
	PROTOCOL_NOT_JSON = -32700,
	PROTOCOL_NOT_REQUEST = -32600,
	PROTOCOL_NO_METHOD = -32601,
	PROTOCOL_BAD_PARAMS = -32602,
	PROTOCOL_INTERNAL = -32603,
	PROTOCOL_FAILED = -32000,
	PROTOCOL_DENIED = -32001,
	PROTOCOL_NOT_FOUND = -32002,
	PROTOCOL_AMBIGUOUS = -32003, /* "data" has "candidates" */
	PROTOCOL_NOT_MASTER = -32004,
	PROTOCOL_BUSY = -32005,
	PROTOCOL_NO_PORT = -32006, /* there is no port to manage a subnet through yet */
	PROTOCOL_REFUSED = -32007, /* what is there says otherwise, for example a file */
	PROTOCOL_LIMIT = -32008,   /* more than vsm has room for */
};
