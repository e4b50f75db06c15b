// SPDX-License-Identifier: BSD-3-Clause
// A dataplane as control sees it, with one worker, that takes or refuses what the test says. It
// acts only when it is polled: no thread, no clock.

#pragma once

#include "lib/link/attach.h"
#include "lib/link/ring.h"
#include "lib/link/sealed.h"
#include "tests/unit/test.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fake_dataplane {
	int listener, control; // -1: none
	uint32_t epoch;
	struct link_segment *segment;
	struct link_producer to_control;
	struct link_consumer to_worker;
	uint64_t generation; // judged by now
	uint8_t digest[IMAGE_DIGEST_BYTES];
	const char *refuse;       // the next publication, and why
	bool silent_worker;       // takes publications, but the worker never swaps
	enum transport transport; // of its listener
	unsigned n_published;
	uint64_t hits[64]; // what it says of its entries
	size_t n_hits;
	unsigned n_heard; // messages for its worker, PING and questions for sessions apart
	struct link_message heard;
	// In their place, where it is not NULL.
	void (*hear)(struct fake_dataplane *f, const struct link_message *m);
};

static inline void fake_listen(struct fake_dataplane *f, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, path);
	unlink(path);
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listener, 4), 0);
}

static inline void fake_open(struct fake_dataplane *f, const char *path)
{
	memset(f, 0, sizeof(*f));
	f->control = -1;
	f->transport = TRANSPORT_UDP;
	fake_listen(f, path);
}

static inline void fake_detach(struct fake_dataplane *f)
{
	if (f->control >= 0)
		close(f->control);
	if (f->segment != NULL)
		link_segment_unmap(f->segment);
	f->control = -1;
	f->segment = NULL;
}

static inline void fake_close(struct fake_dataplane *f)
{
	fake_detach(f);
	close(f->listener);
}

static inline void fake_attach(struct fake_dataplane *f)
{
	struct attach_message m = {.type = ATTACH_HELLO, .epoch = ++f->epoch};
	int fd;

	m.hello = (struct attach_hello){.epoch = f->epoch,
		.n_workers = 1,
		.n_listeners = 1,
		.generation = f->generation,
		.version = FEDRELAY_VERSION};
	memcpy(m.hello.digest, f->digest, sizeof(f->digest));
	assert_int_equal(attach_send(f->control, &m, -1), 0);
	fd = link_segment_create(&f->segment);
	assert_true(fd >= 0);
	link_producer_init(&f->to_control, &f->segment->to_control);
	link_consumer_init(&f->to_worker, &f->segment->to_worker);
	m = (struct attach_message){.type = ATTACH_SEGMENT, .epoch = f->epoch};
	m.segment.core = 3;
	assert_int_equal(attach_send(f->control, &m, fd), 0);
	close(fd);
	m = (struct attach_message){.type = ATTACH_LISTENER, .epoch = f->epoch};
	m.listener.side = SIDE_OUTSIDE;
	assert_int_equal(
		endpoint_parse(VIEW("192.0.2.1:5060"), 0, f->transport, &m.listener.local), 0);
	strcpy(m.listener.name, "outside4");
	assert_int_equal(attach_send(f->control, &m, -1), 0);
}

static inline void fake_publish(
	struct fake_dataplane *f, const struct attach_message *request, int fd)
{
	struct attach_message m = {.type = ATTACH_PUBLISHED, .epoch = f->epoch};
	struct link_message applied = {
		.type = LINK_APPLIED, .n_bytes = LINK_BYTES_APPLIED, .epoch = f->epoch};
	struct image *image;
	void *bytes;
	const char *why;

	f->n_published++;
	bytes = mmap(NULL, request->publish.n_bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(bytes != MAP_FAILED);
	image = image_open(bytes, request->publish.n_bytes, &why);
	assert_non_null(image);
	m.published.generation = request->publish.generation;
	// As the real one does: a number stands for one content.
	if (f->generation == m.published.generation &&
		memcmp(f->digest, image_info(image)->digest, sizeof(f->digest)) != 0)
		f->refuse = "this number is in use with other content";
	m.published.ok = f->refuse == NULL;
	if (f->refuse != NULL) {
		strcpy(m.published.error, f->refuse);
		f->refuse = NULL;
	} else {
		f->generation = image_info(image)->generation;
		memcpy(f->digest, image_info(image)->digest, sizeof(f->digest));
		applied.applied.generation = f->generation;
		applied.applied.applied_at_ns = 1;
		if (!f->silent_worker)
			assert_int_equal(link_push(&f->to_control, &applied), 0);
	}
	image_close(image);
	munmap(bytes, request->publish.n_bytes);
	assert_int_equal(attach_send(f->control, &m, -1), 0);
}

static inline void fake_say(struct fake_dataplane *f, struct link_message *m)
{
	m->epoch = f->epoch;
	assert_null(link_message_check(m, LINK_TO_CONTROL, f->epoch));
	assert_int_equal(link_push(&f->to_control, m), 0);
}

static inline void fake_hear(struct fake_dataplane *f, const struct link_message *m)
{
	struct link_message none;

	if (f->hear != NULL) {
		f->hear(f, m);
		return;
	}
	if (m->type == LINK_SESSIONS_WANTED) {
		link_message_init(&none, LINK_SESSIONS_END);
		fake_say(f, &none);
		return;
	}
	f->n_heard++;
	link_message_copy(&f->heard, m);
}

static inline void fake_answer_worker(struct fake_dataplane *f)
{
	struct link_message in[8];
	int n = link_pop(&f->to_worker, in, 8);

	for (int i = 0; i < n; i++) {
		struct link_message pong = {
			.type = LINK_PONG, .n_bytes = LINK_BYTES_PONG, .epoch = f->epoch};

		if (in[i].type != LINK_PING) {
			fake_hear(f, &in[i]);
			continue;
		}
		pong.pong.token = in[i].ping.token;
		pong.pong.generation = f->silent_worker ? 0 : f->generation;
		assert_int_equal(link_push(&f->to_control, &pong), 0);
	}
}

static inline void fake_counters(struct fake_dataplane *f)
{
	struct attach_message m = {.type = ATTACH_COUNTERS, .epoch = f->epoch};

	m.counters.generation = f->generation;
	m.counters.counters.reason[REASON_from_blocked] = 5;
	assert_int_equal(attach_send(f->control, &m, -1), 0);
}

static inline void fake_hits(struct fake_dataplane *f)
{
	struct attach_message m = {.type = ATTACH_HITS, .epoch = f->epoch};
	int fd = sealed_create("hits", f->hits, f->n_hits * sizeof(f->hits[0]));

	assert_true(fd >= 0);
	m.hits.generation = f->generation;
	m.hits.n_entries = f->n_hits;
	assert_int_equal(attach_send(f->control, &m, fd), 0);
	close(fd);
}

static inline void fake_poll(struct fake_dataplane *f)
{
	struct attach_message m;
	const char *why;
	int fd, n;

	if (f->control < 0) {
		f->control = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (f->control >= 0)
			fake_attach(f);
		return;
	}
	while ((n = attach_receive(f->control, &m, &fd, false, &why)) == 1) {
		if (m.type == ATTACH_PUBLISH)
			fake_publish(f, &m, fd);
		else if (m.type == ATTACH_GET_COUNTERS)
			fake_counters(f);
		else if (m.type == ATTACH_GET_HITS)
			fake_hits(f);
		else if (m.type == ATTACH_HEARTBEAT)
			attach_send(f->control, &m, -1);
		if (fd >= 0)
			close(fd);
	}
	if (n < 0)
		fake_detach(f);
	else
		fake_answer_worker(f);
}
