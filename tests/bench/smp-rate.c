/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How many SMPs a simulator answers in a second, through libibumad: Get NodeInfo by directed route,
 * so and so many hops away, with so many under way. bench-sim.py runs it on one and the other.
 *
 * Usage: smp-rate DEPTH WINDOW COUNT; the path leaves the first switch, and each after it, by port
 * 2. Prints SMPs per second.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <infiniband/umad.h>

enum { CLASS_DIRECTED = 0x81, GET = 0x01, NODE_INFO = 0x11, TIMEOUT_MS = 5000, STATUS_AT = 4 };

struct rate {
	unsigned depth;
	int port;
	int agent;
	void *umad;
	unsigned wrong;
};

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_port(struct rate *r)
{
	if (umad_init() < 0)
		return -1;
	r->port = umad_open_port(NULL, 0);
	if (r->port < 0)
		return -1;
	r->agent = umad_register(r->port, CLASS_DIRECTED, 1, 0, NULL);
	r->umad = umad_alloc(1, umad_size() + 256);
	return r->agent < 0 || !r->umad ? -1 : 0;
}

static int send_one(struct rate *r, unsigned number)
{
	unsigned char *mad = umad_get_mad(r->umad);

	memset(r->umad, 0, umad_size() + 256);
	mad[0] = 1;
	mad[1] = CLASS_DIRECTED;
	mad[2] = 1;
	mad[3] = GET;
	mad[7] = (unsigned char)r->depth;
	mad[14] = (unsigned char)(number >> 8);
	mad[15] = (unsigned char)number;
	mad[17] = NODE_INFO;
	memset(mad + 32, 0xff, 4); /* permissive LIDs */
	for (unsigned hop = 1; hop <= r->depth; hop++)
		mad[128 + hop] = hop == 1 ? 1 : 2;
	umad_set_addr(r->umad, 0xffff, 0, 0, 0);
	return umad_send(r->port, r->agent, r->umad, 256, TIMEOUT_MS, 0);
}

static int receive_one(struct rate *r)
{
	int length = 256;
	int agent = umad_recv(r->port, r->umad, &length, TIMEOUT_MS);
	unsigned char *mad = umad_get_mad(r->umad);

	if (agent < 0)
		return -1;
	r->wrong += umad_status(r->umad) != 0 || mad[3] != 0x81 || (mad[STATUS_AT] & 0x7f) ||
		    mad[STATUS_AT + 1];
	return 0;
}

static int run(struct rate *r, unsigned window, unsigned count)
{
	unsigned sent = 0;

	for (unsigned got = 0; got < count; got++) {
		while (sent < count && sent - got < window)
			if (send_one(r, sent++) < 0)
				return -1;
		if (receive_one(r) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct rate r = { 0 };
	unsigned window;
	unsigned count;
	double began;

	if (argc != 4) {
		fprintf(stderr, "usage: smp-rate DEPTH WINDOW COUNT\n");
		return 2;
	}
	r.depth = (unsigned)atoi(argv[1]);
	window = (unsigned)atoi(argv[2]);
	count = (unsigned)atoi(argv[3]);
	if (open_port(&r) < 0) {
		fprintf(stderr, "smp-rate: no port\n");
		return 1;
	}
	if (run(&r, window, count / 10 + 1) < 0)
		return 1;
	began = seconds_now();
	if (run(&r, window, count) < 0 || r.wrong) {
		fprintf(stderr, "smp-rate: lost or wrong answers\n");
		return 1;
	}
	printf("%.0f\n", count / (seconds_now() - began));
	return 0;
}
