/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Datagrams through libibumad. The one file that knows it.
 *
 * The descriptor cannot be watched: that of ibsim's preload library is a number, not a descriptor.
 * So a thread does nothing but wait in umad_poll() until something can be read, and tells the loop
 * by an eventfd. Then it is the loop that reads, batch by batch, until nothing has come for a
 * moment, and only then does the thread wait again: while answers come one after the other, nobody
 * wakes anybody. After a few at once it pauses (gather.h). The kernel's queue (200,000
 * records) is the only one.
 *
 * Registration: class 0x81 and 0x01 on QP0 for the requests that an SM answers, class 3 on QP1 for
 * the methods of requests to an SA. Answers to our own requests come by TID, whatever the method
 * mask.
 *
 * Messages longer than a datagram are the kernel's business (RMPP): it cuts up ours and puts
 * together those of others. An answer needs no answer, so it would be sent without a time-out and
 * nobody would ever tell when it has left the kernel's memory. It is sent with one: the kernel
 * waits for so long for each acknowledgement, sends again what was not acknowledged, and after the
 * last one it gives the header back, as it does when it gives up.
 */

#include "mad/transport.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <infiniband/umad.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "mad/gather.h"

#define BATCH     64  /* datagrams that are handed over at once */
#define BATCHES   16  /* then others on the loop have their turn */
#define LINGER_MS 1   /* the loop waits so long for one more, after those that came */
#define POLL_MS   500 /* after which the thread looks whether it is to end */
#define DRAIN_MS  20  /* of silence, then nothing more is expected */
#define QP1_QKEY  0x80010000u

/* For an acknowledgement of a part of a message; and how often that is sent again. */
#define MESSAGE_WAIT_MS 500
#define MESSAGE_RETRIES 3

enum agent { AGENT_DIRECTED, AGENT_LID, AGENT_SA, AGENT_COUNT };

struct umad_transport {
	struct transport transport;
	struct loop *loop;
	int port; /* umad port id, -1: not open */
	int agent[AGENT_COUNT];
	int is_sm; /* issm descriptor, -1: closed */
	int event; /* eventfd: something can be read */
	struct loop_watch *watch;
	void *out; /* one record for sending, and one for receiving */
	ib_user_mad_t *in;
	pthread_t poller;
	bool polling;       /* there is a thread */
	sem_t empty;        /* the loop has read all: wait for more */
	_Atomic bool stop;  /* the thread is to end */
	_Atomic int failed; /* -errno after which nothing more will come */
	unsigned pause_us;  /* before the next batch */
	struct arrival arrivals[BATCH];
};

/* -- receiving ----------------------------------------------------------------------------------
 */

static void read_address(struct address *from, ib_user_mad_t *record)
{
	const ib_mad_addr_t *a = umad_get_mad_addr(record);

	*from = (struct address){ .qpn = be32toh(a->qpn),
				  .lid = be16toh(a->lid),
				  .pkey_index = a->pkey_index,
				  .sl = a->sl,
				  .path_bits = a->path_bits,
				  .has_grh = a->grh_present,
				  .gid_index = a->gid_index,
				  .hop_limit = a->hop_limit,
				  .traffic_class = a->traffic_class,
				  .flow_label = be32toh(a->flow_label) };
	memcpy(from->gid, a->gid, sizeof(from->gid));
}

/*
 * @message: all of it, if it is longer than a datagram and not too long. It lasts as long as its
 * batch does, so there are BATCH of them at most.
 */
static void take_record(ib_user_mad_t *record, size_t length, uint8_t *message, struct arrival *ret)
{
	memset(&ret->datagram, 0, sizeof(ret->datagram));
	memcpy(&ret->datagram, umad_get_mad(record), MIN(length, MAD_SIZE));
	ret->undelivered = umad_status(record) != 0;
	read_address(&ret->from, record);
	ret->length = length > MAD_SIZE ? (uint32_t)length : 0;
	ret->message = message;
}

static bool is_passing(int r)
{
	return r == -EAGAIN || r == -EINTR || r == -ETIMEDOUT || r == -EWOULDBLOCK;
}

/* libibumad says -EIO of a wait that was interrupted, and of a device that is gone. */
static int error_of(int r)
{
	return r == -EIO && errno == EINTR ? -EINTR : r;
}

/* A message that nobody takes off blocks all behind it: it is read in any case. */
static int receive_message(const struct umad_transport *t, size_t length, struct arrival *ret)
{
	AUTO(freep) ib_user_mad_t *record = umad_alloc(1, umad_size() + length);
	uint8_t *message = NULL;
	int n = (int)length;

	if (!record)
		return -ENOMEM;
	if (umad_recv(t->port, record, &n, 0) < 0)
		return -EIO;
	if (length <= TRANSPORT_MAX_MESSAGE)
		message = malloc(length);
	if (message)
		memcpy(message, umad_get_mad(record), length);
	take_record(record, length, message, ret);

	return 0;
}

/* The next that comes within so many milliseconds. 0, or -errno of the read. */
static int receive_one(const struct umad_transport *t, int wait, struct arrival *ret)
{
	int length = MAD_SIZE;
	int r = error_of(umad_recv(t->port, t->in, &length, wait));

	if (r == -ENOSPC)
		return receive_message(t, (size_t)t->in->length, ret);
	if (r < 0)
		return r;
	take_record(t->in, (size_t)MAX(length, 0), NULL, ret);

	return 0;
}

/*
 * A look before the pause: with our preload it is that which sends what has been answered. What it
 * finds is the first of the next batch.
 */
static int pause_for_more(struct umad_transport *t, unsigned *n)
{
	int r = receive_one(t, 0, &t->arrivals[0]);

	if (r < 0 && !is_passing(r))
		return r;
	*n += r == 0;
	usleep(t->pause_us);

	return 0;
}

/* How many came; the rest comes the next time. */
static unsigned receive_batch(struct umad_transport *t)
{
	unsigned n = 0;
	int r = t->pause_us > 0 ? pause_for_more(t, &n) : 0;

	while (n < BATCH && r == 0) {
		r = receive_one(t, n == 0 ? LINGER_MS : 0, &t->arrivals[n]);
		n += r == 0;
	}
	if (r < 0 && !is_passing(r))
		atomic_store(&t->failed, r);

	return n;
}

static void drop_messages(struct umad_transport *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		freep(&t->arrivals[i].message);
}

static void *poll_for_arrivals(void *user)
{
	struct umad_transport *t = user;

	while (!atomic_load(&t->stop) && !atomic_load(&t->failed)) {
		int r = error_of(umad_poll(t->port, POLL_MS));

		if (is_passing(r))
			continue;
		if (r < 0)
			atomic_store(&t->failed, r);
		eventfd_write(t->event, 1);
		sem_wait(&t->empty);
	}

	return NULL;
}

/* False: nothing has come. */
static bool deliver_batch(struct umad_transport *t)
{
	unsigned n = receive_batch(t);

	loop_look_at_clock(t->loop);
	if (n > 0)
		t->transport.fn(t->transport.user, t->arrivals, n, NULL);
	t->pause_us = gather_us(t->arrivals, n, t->transport.awaited);
	drop_messages(t, n);

	return n > 0;
}

static void wait_for_more(struct umad_transport *t)
{
	eventfd_t value;

	eventfd_read(t->event, &value);
	sem_post(&t->empty);
	if (atomic_load(&t->failed))
		t->transport.fn(t->transport.user, NULL, 0, strerror(-atomic_load(&t->failed)));
}

/* As long as something comes the eventfd stays readable, and the loop comes back. */
static void on_event(void *user, unsigned ready)
{
	struct umad_transport *t = user;
	unsigned n = 0;

	(void)ready;
	while (n < BATCHES && deliver_batch(t))
		n++;
	if (n < BATCHES)
		wait_for_more(t);
}

/* -- sending ------------------------------------------------------------------------------------
 */

static int agent_for(const struct umad_transport *t, const struct datagram *d)
{
	switch (d->bytes[1]) {
	case CLASS_SM_DIRECTED:
		return t->agent[AGENT_DIRECTED];
	case CLASS_SM_LID:
		return t->agent[AGENT_LID];
	default:
		return t->agent[AGENT_SA];
	}
}

static void write_address(ib_mad_addr_t *a, const struct address *to)
{
	memset(a, 0, sizeof(*a));
	a->qpn = htobe32(to->qpn);
	a->qkey = htobe32(to->qpn ? QP1_QKEY : 0);
	a->lid = htobe16(to->lid);
	a->sl = to->sl;
	a->path_bits = to->path_bits;
	a->pkey_index = to->pkey_index;
	a->grh_present = to->has_grh;
	a->gid_index = to->gid_index;
	a->hop_limit = to->hop_limit;
	a->traffic_class = to->traffic_class;
	a->flow_label = htobe32(to->flow_label);
	memcpy(a->gid, to->gid, sizeof(to->gid));
}

/*
 * How much of it counts. The kernel cuts RMPP messages up itself and takes their length from ours,
 * so a table of one packet must not bring its unused bytes along (IBA 13.6.2: PayloadLength counts
 * from byte 36).
 */
static int length_of(const struct datagram *d)
{
	if (wire_get(d, MAD_CLASS) != CLASS_SA || !(wire_get(d, SA_RMPP_FLAGS) & RMPP_ACTIVE))
		return MAD_SIZE;

	return (int)MIN(36 + wire_get(d, SA_RMPP_LENGTH), MAD_SIZE);
}

static int send_datagram(struct transport *transport, const struct datagram *d,
			 const struct address *to, unsigned timeout_ms)
{
	struct umad_transport *t = CONTAINER_OF(transport, struct umad_transport, transport);

	memcpy(umad_get_mad(t->out), d, MAD_SIZE);
	write_address(umad_get_mad_addr(t->out), to);

	return umad_send(t->port, agent_for(t, d), t->out, length_of(d), (int)timeout_ms, 0);
}

/* What libibumad puts before a MAD goes into the room before the message. */
static int send_message(struct transport *transport, uint8_t *message, size_t length,
			const struct address *to)
{
	struct umad_transport *t = CONTAINER_OF(transport, struct umad_transport, transport);
	size_t head = umad_size();
	uint8_t *record = message - head;

	if (head > TRANSPORT_HEADROOM)
		return -EOPNOTSUPP;
	memset(record, 0, head);
	write_address(umad_get_mad_addr(record), to);

	return umad_send(t->port, t->agent[AGENT_SA], record, (int)length, MESSAGE_WAIT_MS,
			 MESSAGE_RETRIES);
}

static int set_is_sm(struct transport *transport, bool is_sm)
{
	struct umad_transport *t = CONTAINER_OF(transport, struct umad_transport, transport);
	char path[256];

	if (is_sm == (t->is_sm >= 0))
		return 0;
	if (!is_sm) {
		close(t->is_sm);
		t->is_sm = -1;
		return 0;
	}
	if (umad_get_issm_path(t->transport.device, t->transport.port, path, sizeof(path)) < 0)
		return -ENODEV;
	t->is_sm = open(path, O_NONBLOCK | O_CLOEXEC);

	return t->is_sm < 0 ? -errno : 0;
}

/* -- opening ------------------------------------------------------------------------------------
 */

/* -errno: libibumad's own return value says nothing. */
static int register_agents(struct umad_transport *t)
{
	static const uint8_t classes[AGENT_COUNT] = { [AGENT_DIRECTED] = CLASS_SM_DIRECTED,
						      [AGENT_LID] = CLASS_SM_LID,
						      [AGENT_SA] = CLASS_SA };
	long sm[16 / sizeof(long)] = { 0 };
	long sa[16 / sizeof(long)] = { 0 };

	sm[0] = 1l << METHOD_GET | 1l << METHOD_SET | 1l << METHOD_TRAP | 1l << METHOD_TRAP_REPRESS;
	sa[0] = 1l << METHOD_GET | 1l << METHOD_SET | 1l << METHOD_GET_TABLE |
		1l << METHOD_GET_TRACE_TABLE | 1l << METHOD_GET_MULTI | 1l << METHOD_DELETE;

	for (unsigned i = 0; i < AGENT_COUNT; i++) {
		bool is_sa = classes[i] == CLASS_SA;

		errno = 0;
		t->agent[i] = umad_register(t->port, classes[i],
					    is_sa ? CLASS_SA_VERSION : CLASS_SM_VERSION, is_sa,
					    is_sa ? sa : sm);
		if (t->agent[i] < 0)
			return errno ? -errno : -EBUSY;
	}

	return 0;
}

/* The port with this GUID: its device and number. */
static int find_guid(uint64_t guid, char device[static UMAD_CA_NAME_LEN], unsigned *ret_port)
{
	char names[UMAD_MAX_DEVICES][UMAD_CA_NAME_LEN];
	int n = umad_get_cas_names(names, UMAD_MAX_DEVICES);

	for (int i = 0; i < n; i++) {
		umad_ca_t ca;

		if (umad_get_ca(names[i], &ca) < 0)
			continue;
		for (unsigned p = 0; p < UMAD_CA_MAX_PORTS; p++) {
			if (!ca.ports[p] || be64toh(ca.ports[p]->port_guid) != guid)
				continue;
			memcpy(device, names[i], UMAD_CA_NAME_LEN);
			*ret_port = p;
			umad_release_ca(&ca);
			return 0;
		}
		umad_release_ca(&ca);
	}

	return -ENODEV;
}

/* "No", and what there is instead. */
static void say_no_port(const char *device, unsigned number, char why[static 256])
{
	char names[UMAD_MAX_DEVICES][UMAD_CA_NAME_LEN];
	int n = umad_get_cas_names(names, UMAD_MAX_DEVICES);
	char number_text[16] = "";
	size_t used;

	for (int i = 0; i < n && device[0]; i++)
		if (!strcmp(names[i], device))
			n = 0; /* it is there */
	if (number > 0)
		snprintf(number_text, sizeof(number_text), " %u", number);
	snprintf(why, 256, "No usable InfiniBand port%s%s%s: ", number_text,
		 device[0] ? " on " : "", device);
	used = strlen(why);
	if (n <= 0 || !device[0]) {
		snprintf(why + used, 256 - used, "is the HCA's driver loaded, and ib_umad?");
		return;
	}
	used += (size_t)snprintf(why + used, 256 - used, "there is no such device, but");
	for (int i = 0; i < n && used < 256; i++)
		used += (size_t)snprintf(why + used, 256 - used, "%s %s", i > 0 ? "," : "",
					 names[i]);
	if (used < 255)
		strcpy(why + used, ".");
}

static int choose_port(struct umad_transport *t, const struct transport_choice *choice,
		       char why[static 256])
{
	char device[UMAD_CA_NAME_LEN] = "";
	unsigned number = choice->port;
	umad_port_t port;
	int r;

	snprintf(device, sizeof(device), "%s", choice->device);
	if (choice->port_guid && find_guid(choice->port_guid, device, &number) < 0) {
		snprintf(why, 256, "No InfiniBand port has GUID 0x%016" PRIx64 ".",
			 choice->port_guid);
		return -ENODEV;
	}
	r = umad_get_port(device[0] ? device : NULL, (int)number, &port);
	if (r < 0) {
		say_no_port(device, number, why);
		return -ENODEV;
	}
	snprintf(t->transport.device, sizeof(t->transport.device), "%s", port.ca_name);
	t->transport.port = (uint8_t)port.portnum;
	t->transport.port_guid = be64toh(port.port_guid);
	umad_release_port(&port);

	return 0;
}

static int open_port(struct umad_transport *t, char why[static 256])
{
	int r;

	t->port = umad_open_port(t->transport.device, t->transport.port);
	if (t->port < 0) {
		r = t->port == -EIO ? -EACCES : -ENODEV;
		snprintf(why, 256, "Cannot open %s port %u: %s.", t->transport.device,
			 t->transport.port,
			 r == -EACCES ? "no access to /dev/infiniband/umad* (group vsm, or root)"
				      : strerror(-t->port));
		return r;
	}
	r = register_agents(t);
	if (r < 0) {
		snprintf(why, 256,
			 "Cannot register for subnet management on %s port %u (%s): "
			 "does another subnet manager run on this host?",
			 t->transport.device, t->transport.port, strerror(-r));
		return -EBUSY;
	}

	return 0;
}

static int start_polling(struct umad_transport *t, char why[static 256])
{
	int r;

	t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event < 0)
		return -errno;
	r = loop_watch_new(t->loop, t->event, LOOP_READ, on_event, t, &t->watch);
	if (r < 0)
		return r;
	r = pthread_create(&t->poller, NULL, poll_for_arrivals, t);
	if (r != 0) {
		snprintf(why, 256, "Cannot make a thread to receive with: %s.", strerror(r));
		return -r;
	}
	t->polling = true;

	return 0;
}

/*
 * Nobody wants any more what comes until our own question is answered, whose TID is 0, and a moment
 * after that; but libumad2sim may never end if something arrives while it does. Others may ask for
 * ever, so patience is shorter with all that comes.
 */
static void drain(struct umad_transport *t)
{
	struct arrival unwanted;

	for (int wait = POLL_MS; wait > 0 && receive_one(t, wait, &unwanted) == 0; wait--) {
		freep(&unwanted.message);
		if ((uint32_t)wire_get(&unwanted.datagram, MAD_TID) == 0)
			wait = MIN(wait, DRAIN_MS);
	}
}

/*
 * The thread may not be cancelled: libraries hold locks while they wait for us. So it looks at a
 * flag now and then, and to make that now we ask our own device who it is.
 */
static void stop_polling(struct umad_transport *t)
{
	struct address self = { .lid = LID_PERMISSIVE };
	struct datagram d;
	bool asked;

	atomic_store(&t->stop, true);
	wire_start(&d, CLASS_SM_DIRECTED, METHOD_GET, ATTR_NODE_INFO, 0);
	wire_set_route(&d, NULL, 0);
	asked = send_datagram(&t->transport, &d, &self, POLL_MS) >= 0;
	sem_post(&t->empty);
	pthread_join(t->poller, NULL);
	if (asked)
		drain(t);
}

static void free_transport(struct transport *transport)
{
	struct umad_transport *t = CONTAINER_OF(transport, struct umad_transport, transport);

	set_is_sm(transport, false);
	loop_watch_free(t->watch);
	if (t->polling)
		stop_polling(t);
	if (t->port >= 0)
		umad_close_port(t->port);
	if (t->event >= 0)
		close(t->event);
	sem_destroy(&t->empty);
	free(t->out);
	free(t->in);
	free(t);
}

int transport_umad_open(struct loop *loop, const struct transport_choice *choice,
			char why[static 256], struct transport **ret)
{
	static const struct transport_ops ops = { .send = send_datagram,
						  .send_message = send_message,
						  .set_is_sm = set_is_sm,
						  .free = free_transport };
	struct umad_transport *t = calloc(1, sizeof(*t));
	int r;

	if (!t || umad_init() < 0) {
		free(t);
		snprintf(why, 256, "Cannot initialise libibumad.");
		return -ENODEV;
	}
	t->transport.ops = &ops;
	t->loop = loop;
	t->port = t->is_sm = t->event = -1;
	sem_init(&t->empty, 0, 0);
	t->out = umad_alloc(1, sizeof(ib_user_mad_t) + MAD_SIZE);
	t->in = umad_alloc(1, sizeof(ib_user_mad_t) + MAD_SIZE);
	r = t->out && t->in ? choose_port(t, choice, why) : -ENOMEM;
	if (r == 0)
		r = open_port(t, why);
	if (r == 0)
		r = start_polling(t, why);
	if (r < 0) {
		free_transport(&t->transport);
		return r;
	}
	*ret = &t->transport;

	return 0;
}
