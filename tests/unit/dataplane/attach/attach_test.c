// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's end; the test plays control, its time and its crimes.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/sample_image.h"
#include "tests/unit/dataplane/small_dataplane.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// A time far from anything.
#define START 1000000

struct control {
	int socket;
	uint32_t epoch;
	struct link_segment *segments[SMALL_WORKERS];
	struct attach_hello hello;
};

struct fixture {
	struct small_dataplane dataplane;
	int64_t now;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	small_open(&f->dataplane);
	f->now = START;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	small_close(&f->dataplane);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	small_turn(&f->dataplane, f->now);
}

static int connect_to(const struct fixture *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->dataplane.map.socket);
	assert_int_equal(connect(s, (const struct sockaddr *)&address, sizeof(address)), 0);
	return s;
}

static struct attach_message claim_of(bool only_if_free)
{
	struct attach_message m = {.type = ATTACH_CLAIM};

	attach_text(m.claim.version, sizeof(m.claim.version), FEDRELAY_VERSION);
	m.claim.only_if_free = only_if_free;
	return m;
}

// The next message, which is there already. Its descriptor is the caller's.
static struct attach_message next(const struct control *c, enum attach_type type, int *fd)
{
	struct attach_message m;
	const char *error;
	int got, ignored;

	got = attach_receive(c->socket, &m, fd != NULL ? fd : &ignored, true, &error);
	assert_int_equal(got, 1);
	assert_int_equal(m.type, type);
	return m;
}

static void assert_silent(const struct control *c)
{
	struct attach_message m;
	const char *error;
	int fd;

	assert_int_equal(attach_receive(c->socket, &m, &fd, true, &error), 0);
}

static void assert_bye(struct control *c, const char *why)
{
	struct attach_message m = next(c, ATTACH_BYE, NULL);
	const char *error;
	int fd;

	assert_non_null(strstr(m.bye.why, why));
	assert_int_equal(attach_receive(c->socket, &m, &fd, true, &error), -EPIPE);
}

static void take_introduction(struct control *c)
{
	c->hello = next(c, ATTACH_HELLO, NULL).hello;
	c->epoch = c->hello.epoch;
	assert_int_equal(c->hello.n_workers, SMALL_WORKERS);
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		int fd;
		struct attach_message m = next(c, ATTACH_SEGMENT, &fd);

		assert_int_equal(m.segment.worker, i);
		assert_int_equal(m.segment.core, 10 + i);
		assert_int_equal(link_segment_map(fd, &c->segments[i]), 0);
		close(fd);
	}
	assert_string_equal(next(c, ATTACH_LISTENER, NULL).listener.name, "outside");
	assert_silent(c);
}

static struct control attach(struct fixture *f, bool only_if_free)
{
	struct control c = {.socket = connect_to(f)};
	struct attach_message m = claim_of(only_if_free);

	assert_int_equal(attach_send(c.socket, &m, -1), 0);
	// Revoking takes a turn for each of its two steps.
	for (unsigned i = 0; i < 4; i++)
		turn(f);
	take_introduction(&c);
	return c;
}

static void leave(struct control *c)
{
	for (unsigned i = 0; i < SMALL_WORKERS; i++)
		link_segment_unmap(c->segments[i]);
	close(c->socket);
}

static void send_type(const struct control *c, enum attach_type type)
{
	struct attach_message m = {.type = type, .epoch = c->epoch};

	assert_int_equal(attach_send(c->socket, &m, -1), 0);
}

static bool pongs(struct fixture *f, struct control *c, unsigned worker, uint64_t generation)
{
	struct link_ring *out = &c->segments[worker]->to_worker;
	struct link_message m = {.type = LINK_PING,
		.n_bytes = LINK_BYTES_PING,
		.epoch = c->epoch,
		.ping = {.token = 42}};
	struct link_producer producer;
	struct link_consumer consumer;
	int n;

	link_producer_init(&producer, out);
	producer.head = producer.tail_seen = atomic_load(&out->head);
	link_consumer_init(&consumer, &c->segments[worker]->to_control);
	consumer.tail = consumer.head_seen = atomic_load(&consumer.ring->head);
	assert_int_equal(link_push(&producer, &m), 0);
	small_work(&f->dataplane);
	n = link_pop(&consumer, &m, 1);
	return n == 1 && link_message_check(&m, LINK_TO_CONTROL, c->epoch) == NULL &&
		m.type == LINK_PONG && m.pong.token == 42 && m.pong.generation == generation;
}

static void a_claim_gets_rings_that_the_workers_answer_on(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false);

	assert_int_equal(c.hello.epoch, 1);
	assert_int_equal(c.hello.replaced_epoch, 0);
	assert_int_equal(c.hello.generation, 0);
	assert_true(pongs(f, &c, 0, 0));
	assert_true(pongs(f, &c, 1, 0));
	leave(&c);
}

static void a_second_control_replaces_the_first_and_both_know(void **state)
{
	struct fixture *f = *state;
	struct control first = attach(f, false), second = attach(f, false);
	struct attach_message bye = next(&first, ATTACH_BYE, NULL);
	char why[64];

	snprintf(why, sizeof(why), "replaced by another control (process %d)", getpid());
	assert_string_equal(bye.bye.why, why);
	assert_true(bye.bye.replaced);
	assert_int_equal(second.hello.epoch, 2);
	assert_int_equal(second.hello.replaced_epoch, 1);
	assert_false(pongs(f, &first, 0, 0));
	assert_true(pongs(f, &second, 0, 0));
	leave(&first);
	leave(&second);
}

static void a_claim_of_a_free_dataplane_does_not_replace(void **state)
{
	struct fixture *f = *state;
	struct control first = attach(f, true), second = {.socket = connect_to(f)};
	struct attach_message m = claim_of(true);

	assert_int_equal(attach_send(second.socket, &m, -1), 0);
	turn(f);
	assert_bye(&second, "another control is attached");
	assert_silent(&first);
	close(second.socket);
	leave(&first);
	turn(f);
	second = attach(f, true);
	assert_int_equal(second.hello.replaced_epoch, 0);
	leave(&second);
}

static void another_version_is_refused(void **state)
{
	struct fixture *f = *state;
	struct control c = {.socket = connect_to(f)};
	struct attach_message m = claim_of(false);

	attach_text(m.claim.version, sizeof(m.claim.version), "99");
	assert_int_equal(attach_send(c.socket, &m, -1), 0);
	turn(f);
	assert_bye(&c, "control is version 99");
	close(c.socket);
}

static void rings_are_not_freed_while_a_worker_may_touch_them(void **state)
{
	struct fixture *f = *state;
	struct control first = {.socket = connect_to(f)}, second;
	struct attach_message m = claim_of(false);

	assert_int_equal(attach_send(first.socket, &m, -1), 0);
	// Main alone: no worker has seen the rings yet when their control is gone again.
	attachment_step(f->dataplane.attachment, f->now);
	take_introduction(&first);
	second.socket = connect_to(f);
	assert_int_equal(attach_send(second.socket, &m, -1), 0);
	for (unsigned i = 0; i < 3; i++)
		attachment_step(f->dataplane.attachment, f->now);
	assert_silent(&second);
	// One worker is enough to hold them.
	for (unsigned i = 0; i < 4; i++) {
		worker_link_poll(&f->dataplane.workers[0]);
		attachment_step(f->dataplane.attachment, f->now);
	}
	assert_silent(&second);
	f->now += ATTACH_SILENCE_MS + 1;
	attachment_step(f->dataplane.attachment, f->now);
	assert_bye(&second, "a worker has not let go of the former rings");
	close(second.socket);
	second = attach(f, false);
	assert_true(pongs(f, &second, 0, 0));
	assert_true(pongs(f, &second, 1, 0));
	leave(&first);
	leave(&second);
}

static void a_silent_control_is_dropped_and_one_with_a_heartbeat_is_not(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false);

	for (unsigned i = 0; i < 10; i++) {
		f->now += ATTACH_HEARTBEAT_MS;
		send_type(&c, ATTACH_HEARTBEAT);
		turn(f);
		(void)next(&c, ATTACH_HEARTBEAT, NULL);
		assert_silent(&c);
	}
	f->now += ATTACH_SILENCE_MS;
	turn(f);
	(void)next(&c, ATTACH_HEARTBEAT, NULL);
	f->now += 1;
	turn(f);
	assert_bye(&c, "no heartbeat");
	turn(f);
	turn(f);
	assert_false(pongs(f, &c, 0, 0));
	leave(&c);
}

static void a_control_that_does_not_read_is_dropped_without_blocking(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false), other;

	for (unsigned i = 0; i < 20000; i++) {
		struct attach_message m = {.type = ATTACH_GET_COUNTERS, .epoch = c.epoch};
		int error = attach_send(c.socket, &m, -1);

		if (error == -EPIPE)
			break;
		turn(f);
		assert_true(i < 19999);
	}
	turn(f);
	other = attach(f, true);
	leave(&c);
	leave(&other);
}

static void a_malformed_message_ends_the_attachment(void **state)
{
	const uint8_t junk[3][8] = {{0xff}, {ATTACH_HELLO}, {ATTACH_GET_COUNTERS}};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct control c = attach(f, false);

		assert_int_equal(send(c.socket, junk[i], sizeof(junk[i]), 0), sizeof(junk[i]));
		turn(f);
		assert_bye(&c, "");
		leave(&c);
		turn(f);
	}
}

static void another_epoch_or_a_message_out_of_place_ends_the_attachment(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false);
	struct attach_message m = claim_of(false);

	c.epoch++;
	send_type(&c, ATTACH_HEARTBEAT);
	turn(f);
	assert_bye(&c, "another attachment's epoch");
	leave(&c);
	c = attach(f, false);
	assert_int_equal(attach_send(c.socket, &m, -1), 0);
	turn(f);
	assert_bye(&c, "epoch");
	leave(&c);
}

static void a_connection_without_a_claim_is_closed(void **state)
{
	struct fixture *f = *state;
	struct control c = {.socket = connect_to(f)};

	turn(f);
	f->now += ATTACH_SILENCE_MS + 1;
	turn(f);
	assert_bye(&c, "no claim");
	close(c.socket);
}

static uint64_t counted(struct fixture *f, enum reason reason)
{
	struct control c = attach(f, false);
	uint64_t n;

	send_type(&c, ATTACH_GET_COUNTERS);
	turn(f);
	n = next(&c, ATTACH_COUNTERS, NULL).counters.counters.reason[reason];
	leave(&c);
	turn(f);
	return n;
}

// Only root can play another user.
static void another_user_is_not_let_in(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(f->dataplane.folder, 65534, 65534), 0);
	assert_int_equal(chown(f->dataplane.map.socket, 65534, 65534), 0);
	child = fork();
	if (child == 0) {
		if (setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		close(connect_to(f));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	turn(f);
	assert_int_equal(counted(f, REASON_attach_refused), 1);
}

static void counters_and_hits_come_whole(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false);
	int fd;

	f->dataplane.workers[1].counters.rx_frames = 77;
	send_type(&c, ATTACH_GET_COUNTERS);
	send_type(&c, ATTACH_GET_HITS);
	turn(f);
	assert_int_equal(next(&c, ATTACH_COUNTERS, NULL).counters.worker, 0);
	assert_int_equal(next(&c, ATTACH_COUNTERS, NULL).counters.counters.rx_frames, 77);
	assert_int_equal(next(&c, ATTACH_HITS, &fd).hits.n_entries, 0);
	close(fd);
	leave(&c);
}

static void a_publication_is_answered_and_outlives_its_control(void **state)
{
	static const char *const spam[] = {"^spam", NULL};
	struct fixture *f = *state;
	struct sample_image sample = {.generation = 5, .regexes = spam};
	struct control c = attach(f, false);
	struct attach_message m = {.type = ATTACH_PUBLISH, .epoch = c.epoch};
	struct image_info info;
	size_t n_bytes;
	int fd = sample_image_fd(&sample, &n_bytes, &info);

	m.publish.generation = 5;
	m.publish.n_bytes = n_bytes;
	assert_int_equal(attach_send(c.socket, &m, fd), 0);
	assert_int_equal(attach_send(c.socket, &m, fd), 0);
	close(fd);
	turn(f);
	// The second is refused at once, the first waits for its patterns.
	m = next(&c, ATTACH_PUBLISHED, NULL);
	assert_non_null(strstr(m.published.error, "another publication is under way"));
	leave(&c);
	while (f->dataplane.publisher.current == NULL)
		attachment_poll(f->dataplane.attachment, 1000);
	f->now = small_clock_ms();
	turn(f);
	c = attach(f, false);
	assert_int_equal(c.hello.generation, 5);
	assert_memory_equal(c.hello.digest, info.digest, sizeof(info.digest));
	assert_true(pongs(f, &c, 1, 5));
	leave(&c);
}

static void a_worker_leaves_rings_that_control_scribbled_on(void **state)
{
	struct fixture *f = *state;
	struct control c = attach(f, false);

	atomic_store(&c.segments[0]->to_worker.head, 1U << 31);
	small_work(&f->dataplane);
	small_work(&f->dataplane);
	assert_int_equal(f->dataplane.workers[0].counters.reason[REASON_link_message_bad], 1);
	assert_true(pongs(f, &c, 1, 0));
	leave(&c);
	turn(f);
	c = attach(f, false);
	assert_true(pongs(f, &c, 0, 0));
	leave(&c);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	struct fixture *f = *state;
	struct small_dataplane *d = &f->dataplane;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct attachment *other = attachment_open(&d->map, d->workers, &d->publisher);
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_null(other);
	assert_int_equal(errno, EADDRINUSE);
	attachment_close(d->attachment);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d->map.socket);
	assert_int_equal(bind(s, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(s);
	d->attachment = attachment_open(&d->map, d->workers, &d->publisher);
	assert_non_null(d->attachment);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void a_socket_finds_its_place_or_the_folder_is_named(void **state)
{
	struct fixture *f = *state;
	struct core_map *map = &f->dataplane.map;
	char path[CORE_MAP_PATH_BYTES], error[CORE_MAP_ERROR_BYTES], expected[CORE_MAP_ERROR_BYTES];

	memcpy(path, map->socket, sizeof(path));
	assert_int_equal(attachment_check(map, error), 0);
	snprintf(map->socket, sizeof(map->socket), "%s/made/socket", f->dataplane.folder);
	assert_int_equal(attachment_check(map, error), 0);
	snprintf(map->socket, sizeof(map->socket), "%s/made", f->dataplane.folder);
	assert_int_equal(rmdir(map->socket), 0);
	snprintf(map->socket, sizeof(map->socket), "%s/none/none/socket", f->dataplane.folder);
	assert_int_equal(attachment_check(map, error), -ENOENT);
	snprintf(expected, sizeof(expected),
		"control: socket: cannot be made in %s/none/none: No such file or directory; "
		"expected a folder that this user may write to",
		f->dataplane.folder);
	assert_string_equal(error, expected);
	memcpy(map->socket, path, sizeof(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_claim_gets_rings_that_the_workers_answer_on),
		CASE(a_second_control_replaces_the_first_and_both_know),
		CASE(a_claim_of_a_free_dataplane_does_not_replace),
		CASE(another_version_is_refused),
		CASE(rings_are_not_freed_while_a_worker_may_touch_them),
		CASE(a_silent_control_is_dropped_and_one_with_a_heartbeat_is_not),
		CASE(a_control_that_does_not_read_is_dropped_without_blocking),
		CASE(a_malformed_message_ends_the_attachment),
		CASE(another_epoch_or_a_message_out_of_place_ends_the_attachment),
		CASE(a_connection_without_a_claim_is_closed),
		CASE(another_user_is_not_let_in),
		CASE(a_socket_finds_its_place_or_the_folder_is_named),
		CASE(counters_and_hits_come_whole),
		CASE(a_publication_is_answered_and_outlives_its_control),
		CASE(a_worker_leaves_rings_that_control_scribbled_on),
		CASE(a_stale_socket_is_replaced_and_a_live_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
