/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The preload's side of the stream: what it says, what it makes of answers, packets and GRHs, and
 * that nothing a simulator sends, or leaves out, does it harm. The simulator is the test: one end
 * of a stream, read and written by hand, in a thread where an answer is waited for.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/umad/link.h"

struct server {
	struct link_place place;
	int listens;
	int fd;
	uint32_t answer_type; /* 0: that of the question */
	uint32_t error;       /* an error, if it is one */
	struct link *link;
	struct kmad_packet received;
	unsigned n_received;
	pthread_t thread;
};

static void received(void *user, const struct kmad_packet *packet)
{
	struct server *s = user;

	s->received = *packet;
	s->n_received++;
}

static void send_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		size -= (size_t)n;
	}
}

static bool read_all(int fd, void *bytes, size_t size)
{
	char *at = bytes;

	while (size) {
		ssize_t n = read(fd, at, size);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static void send_frame(int fd, uint32_t kind, const void *bytes, uint32_t size)
{
	struct stream_header header = { size, kind };
	uint8_t frame[sizeof(header) + STREAM_FRAME_MAX];

	memcpy(frame, &header, sizeof(header));
	memcpy(frame + sizeof(header), bytes, size);
	send_all(fd, frame, sizeof(header) + size);
}

static bool read_frame(int fd, struct stream_header *header, uint8_t *frame)
{
	return read_all(fd, header, sizeof(*header)) && header->length <= STREAM_FRAME_MAX &&
	       read_all(fd, frame, header->length);
}

static void answer(struct server *s, uint8_t *frame, uint32_t length)
{
	struct stream_control c;
	struct stream_connect connect;

	memcpy(&c, frame, sizeof(c));
	if (c.type == STREAM_CTL_CONNECT) {
		memcpy(&connect, frame + sizeof(c), sizeof(connect));
		connect.client = 17;
		connect.port = 2;
		memcpy(frame + sizeof(c), &connect, sizeof(connect));
	} else if (s->error) {
		c.type = IBSIM_CTL_ERROR;
		memcpy(frame + sizeof(c), &s->error, sizeof(s->error));
	} else {
		c.type = s->answer_type ? s->answer_type : c.type;
		frame[sizeof(c)] ^= 0xff;
	}
	memcpy(frame, &c, sizeof(c));
	send_frame(s->fd, STREAM_CONTROL, frame, length);
}

/* A simulator that greets, and answers control messages until the connection ends. */
static void *serve(void *user)
{
	struct stream_hello hello = { STREAM_MAGIC, STREAM_VERSION, 0 };
	uint8_t frame[STREAM_FRAME_MAX];
	struct server *s = user;
	struct stream_header header;

	s->fd = accept(s->listens, NULL, NULL);
	send_frame(s->fd, STREAM_HELLO, &hello, sizeof(hello));
	while (read_frame(s->fd, &header, frame)) {
		if (header.kind == STREAM_CONTROL)
			answer(s, frame, header.length);
		else if (header.kind == STREAM_PACKET)
			send_frame(s->fd, STREAM_PACKET, frame, header.length);
	}
	return NULL;
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n;

	*state = s;
	snprintf(s->place.base, sizeof(s->place.base), "test-umad-stream-%d", getpid());
	s->listens = socket(AF_UNIX, SOCK_STREAM, 0);
	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s" STREAM_SUFFIX,
		     s->place.base);
	if (bind(s->listens, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n + 1)))
		return -1;
	return listen(s->listens, 4);
}

static void attach(struct server *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	assert_int_equal(link_open(&s->place, received, s, &s->link), 0);
}

static int teardown(void **state)
{
	struct server *s = *state;

	link_close(s->link);
	if (s->thread)
		pthread_join(s->thread, NULL);
	close(s->fd);
	close(s->listens);
	free(s);
	return 0;
}

/* Reads until something has come or the connection is over. */
static bool wait_for(struct server *s, unsigned packets)
{
	struct pollfd p = { .fd = s->link->fd, .events = POLLIN };

	while (s->n_received < packets && poll(&p, 1, 10000) > 0)
		if (!link_receive(s->link))
			return false;
	return s->n_received >= packets;
}

static void it_attaches(void **state)
{
	struct server *s = *state;

	attach(s);
	assert_true(s->link->stream);
	assert_int_equal(s->link->client, 17);
	assert_int_equal(s->link->port, 2);
}

static void questions_are_answered_or_refused(void **state)
{
	struct server *s = *state;
	struct stream_table table = { .port = 1 };
	uint8_t info[64] = { 5 };

	attach(s);
	assert_int_equal(link_control(s->link, STREAM_CTL_GET_GIDS, &table, sizeof(table)), 0);
	assert_int_equal(table.port, 0xfe);
	assert_int_equal(link_control(s->link, IBSIM_CTL_GET_PORTINFO, info, sizeof(info)), 0);
	assert_int_equal(info[0], 5 ^ 0xff);
	s->error = EBUSY;
	assert_int_equal(link_control(s->link, IBSIM_CTL_SET_ISSM, info, sizeof(info)), -EBUSY);
	s->error = 1 << 20; /* no errno */
	assert_int_equal(link_control(s->link, IBSIM_CTL_SET_ISSM, info, sizeof(info)), -EPROTO);
	s->error = 0;
	s->answer_type = 99;
	assert_int_equal(link_control(s->link, IBSIM_CTL_SET_ISSM, info, sizeof(info)), -EPROTO);
}

static void packets_keep_what_ibsim_has_no_room_for(void **state)
{
	struct server *s = *state;
	struct kmad_packet p = {
		.lid = 0x1234,
		.qp = 1,
		.qp_index = 1,
		.sl = 3,
		.path_bits = 2,
		.grh = 1,
		.gid_index = 4,
		.hop_limit = 5,
		.traffic_class = 6,
		.pkey_index = 7,
		.flow_label = 0x12345,
	};

	attach(s);
	p.mad[WIRE_CLASS] = 3;
	p.mad[255] = 9;
	link_send(s->link, &p);
	assert_true(link_flush(s->link));
	assert_true(wait_for(s, 1));
	assert_int_equal(s->received.sl, 3);
	assert_int_equal(s->received.path_bits, 2);
	assert_int_equal(s->received.grh, 1);
	assert_int_equal(s->received.gid_index, 4);
	assert_int_equal(s->received.hop_limit, 5);
	assert_int_equal(s->received.traffic_class, 6);
	assert_int_equal(s->received.pkey_index, 7);
	assert_int_equal(s->received.flow_label, 0x12345);
	assert_int_equal(s->received.mad[255], 9);
}

static void many_packets_travel_together(void **state)
{
	enum { PACKETS = 20000 };
	struct server *s = *state;
	struct kmad_packet p = { .qp = 1, .qp_index = 1 };
	struct stream_table table = { 0 };
	struct pollfd poll_fd = { .events = POLLIN | POLLOUT };

	attach(s);
	poll_fd.fd = s->link->fd;
	p.mad[WIRE_CLASS] = 3;
	for (unsigned i = 0; i < PACKETS; i++)
		link_send(s->link, &p);
	while (!link_flush(s->link)) { /* both buffers are full at times */
		poll(&poll_fd, 1, 1000);
		assert_true(link_receive(s->link));
	}
	/* A question waits behind them, and they are taken meanwhile. */
	assert_int_equal(link_control(s->link, STREAM_CTL_GET_GIDS, &table, sizeof(table)), 0);
	assert_int_equal(s->n_received, PACKETS);
}

static void broken_frames_end_the_connection(void **state)
{
	static const struct stream_header frames[] = {
		{ STREAM_FRAME_MAX + 1, STREAM_PACKET },
		{ UINT32_MAX, STREAM_CONTROL },
		{ 0, 77 },
		{ 12, STREAM_PACKET },
		{ 4, STREAM_CONTROL },
		{ 40, STREAM_CONTROL }, /* no magic */
		{ 12, STREAM_HELLO },   /* of something else */
	};
	struct server *s = *state;
	uint8_t zeros[64] = { 0 };
	int ends[2];

	for (size_t i = 0; i < COUNT(frames); i++) {
		struct link *link = calloc(1, sizeof(*link));

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		link->fd = ends[0];
		link->control = -1;
		link->stream = true;
		link->received = received;
		link->user = s;
		send_all(ends[1], &frames[i], sizeof(frames[i]));
		send_all(ends[1], zeros, MIN(frames[i].length, 64U));
		assert_false(link_receive(link));
		assert_true(link->broken);
		assert_int_equal(link_control(link, STREAM_CTL_GET_GIDS, zeros, 4), -EPIPE);
		link_close(link);
		close(ends[1]);
	}
	assert_int_equal(s->n_received, 0);
}

static void half_a_frame_waits_for_its_rest(void **state)
{
	struct stream_header header = { sizeof(struct stream_packet), STREAM_PACKET };
	struct server *s = *state;
	struct stream_packet p = { 0 };

	attach(s);
	send_all(s->fd, &header, sizeof(header));
	send_all(s->fd, &p, 100);
	while (s->link->in.to - s->link->in.from < 100)
		assert_true(link_receive(s->link));
	assert_int_equal(s->n_received, 0);
	send_all(s->fd, (char *)&p + 100, sizeof(p) - 100);
	assert_true(wait_for(s, 1));
	p.packet.dqp[3] = 2; /* for no queue pair of ours */
	send_frame(s->fd, STREAM_PACKET, &p, sizeof(p));
	p.packet.dqp[3] = 1;
	send_frame(s->fd, STREAM_PACKET, &p, sizeof(p));
	assert_true(wait_for(s, 2));
	assert_int_equal(s->received.qp_index, 1);
}

static void the_end_of_the_simulator_is_noticed(void **state)
{
	struct server *s = *state;

	attach(s);
	shutdown(s->fd, SHUT_RDWR);
	assert_false(wait_for(s, 1));
	assert_true(s->link->broken);
}

static void nobody_there_is_refused(void **state)
{
	struct server *s = *state;
	struct link_place place = s->place;

	snprintf(place.base, sizeof(place.base), "test-umad-nobody-%d", getpid());
	assert_int_equal(link_open(&place, received, s, &s->link), -ECONNREFUSED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_attaches),
		TEST(questions_are_answered_or_refused),
		TEST(packets_keep_what_ibsim_has_no_room_for),
		TEST(many_packets_travel_together),
		TEST(broken_frames_end_the_connection),
		TEST(half_a_frame_waits_for_its_rest),
		TEST(the_end_of_the_simulator_is_noticed),
		TEST(nobody_there_is_refused),
	};

	return cmocka_run_group_tests_name("umad-stream", tests, NULL, NULL);
}
