// SPDX-License-Identifier: BSD-3-Clause
// Control's end, against the dataplane's own on a thread, and against a dataplane that the test
// plays badly.

#include "tests/unit/test.h"

#include "control/link/dataplane.h"
#include "lib/link/ring.h"
#include "tests/unit/dataplane/sample_image.h"
#include "tests/unit/dataplane/small_dataplane.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000

// What one control was told.
struct control {
	struct dataplane *link;
	unsigned n_attached, n_detached, n_done;
	uint64_t applied[SMALL_WORKERS];
	char why[ATTACH_ERROR_BYTES];
	int error;
	struct attach_published published;
	unsigned n_counters;
	size_t n_hits;
	uint64_t hits_generation;
};

struct fixture {
	struct small_dataplane dataplane;
	pthread_t thread;
	bool runs; // the thread
	_Atomic bool stop;
	uv_loop_t loop;
	uv_timer_t pulse;
	struct control control;
};

static void *run_dataplane(void *arg)
{
	struct fixture *f = arg;

	while (!atomic_load(&f->stop)) {
		attachment_poll(f->dataplane.attachment, 2);
		small_work(&f->dataplane);
	}
	return NULL;
}

static void start_dataplane(struct fixture *f)
{
	atomic_store(&f->stop, false);
	f->runs = true;
	assert_int_equal(pthread_create(&f->thread, NULL, run_dataplane, f), 0);
}

static void stop_dataplane(struct fixture *f)
{
	atomic_store(&f->stop, true);
	pthread_join(f->thread, NULL);
	f->runs = false;
}

static void on_attached(void *arg)
{
	((struct control *)arg)->n_attached++;
}

static void on_detached(void *arg, const char *why)
{
	struct control *c = arg;

	c->n_detached++;
	snprintf(c->why, sizeof(c->why), "%s", why);
	memset(c->applied, 0, sizeof(c->applied));
}

static void on_applied(void *arg, unsigned worker, uint64_t generation)
{
	((struct control *)arg)->applied[worker] = generation;
}

static const struct dataplane_events events = {on_attached, on_detached, on_applied};

static void on_published(void *arg, int error, const struct attach_published *result)
{
	struct control *c = arg;

	c->n_done++;
	c->error = error;
	if (error == 0)
		c->published = *result;
}

static void on_counters(
	void *arg, int error, const struct attach_counters counters[], unsigned n_workers)
{
	struct control *c = arg;

	c->n_done++;
	c->error = error;
	c->n_counters = n_workers;
	for (unsigned i = 0; i < n_workers; i++)
		assert_int_equal(counters[i].worker, i);
}

static void on_hits(void *arg, int error, uint64_t generation, const uint64_t hits[], size_t n)
{
	struct control *c = arg;

	c->n_done++;
	c->error = error;
	c->n_hits = n;
	c->hits_generation = generation;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hits[i], 0);
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

static void start_control(struct fixture *f, struct control *c)
{
	memset(c, 0, sizeof(*c));
	c->link = dataplane_new(&f->loop, f->dataplane.map.socket, &events, c);
	assert_non_null(c->link);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	small_open(&f->dataplane);
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->pulse);
	// So that waiting for what never comes has an end.
	uv_timer_start(&f->pulse, on_pulse, 10, 10);
	start_control(f, &f->control);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->runs) // the case failed midway
		stop_dataplane(f);
	dataplane_free(f->control.link);
	uv_close((uv_handle_t *)&f->pulse, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	small_close(&f->dataplane);
	free(f);
	return 0;
}

// Evaluates condition once a turn.
#define RUN_UNTIL(f, condition)                                            \
	do {                                                               \
		const int64_t until = small_clock_ms() + DEADLINE_MS;      \
		bool holds;                                                \
		while (!(holds = (condition)) && small_clock_ms() < until) \
			uv_run(&(f)->loop, UV_RUN_ONCE);                   \
		assert_true(holds);                                        \
	} while (0)

static int publish(struct control *c, uint64_t generation)
{
	struct sample_image sample = {.generation = generation};
	struct image_info info;
	size_t n_bytes;
	int fd = sample_image_fd(&sample, &n_bytes, &info);
	int rc = dataplane_publish(c->link, fd, &info, n_bytes, on_published, c);

	close(fd);
	return rc;
}

static bool all_applied(const struct control *c, uint64_t generation)
{
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		if (c->applied[i] != generation)
			return false;
	}
	return true;
}

static bool all_answered(struct control *c)
{
	struct dataplane_status status;

	dataplane_status(c->link, &status);
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		if (status.workers[i].round_trip_ns == 0)
			return false;
	}
	return true;
}

static void a_publication_is_proved_by_every_worker(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;
	struct dataplane_status status;

	assert_int_equal(publish(c, 3), -ENOTCONN);
	start_dataplane(f);
	RUN_UNTIL(f, c->n_attached == 1);
	assert_int_equal(publish(c, 3), 0);
	assert_int_equal(c->n_done, 0);
	assert_int_equal(publish(c, 3), -EBUSY);
	RUN_UNTIL(f, c->n_done == 1 && all_applied(c, 3) && all_answered(c));
	assert_int_equal(c->error, 0);
	assert_true(c->published.ok);
	dataplane_status(c->link, &status);
	assert_true(status.attached);
	assert_int_equal(status.hello.n_workers, SMALL_WORKERS);
	assert_int_equal(status.n_listeners, 1);
	assert_string_equal(status.listeners[0].name, "outside");
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		assert_int_equal(status.workers[i].core, 10 + i);
		assert_int_equal(status.workers[i].generation, 3);
	}
	assert_int_equal(status.messages_bad, 0);
	stop_dataplane(f);
}

static void a_refusal_says_why(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;
	const struct image_info info = {.generation = 9};

	start_dataplane(f);
	RUN_UNTIL(f, c->n_attached == 1);
	// Any descriptor goes over; the dataplane judges it.
	assert_int_equal(dataplane_publish(c->link, 0, &info, 4096, on_published, c), 0);
	RUN_UNTIL(f, c->n_done == 1);
	assert_int_equal(c->error, 0);
	assert_false(c->published.ok);
	assert_memory_equal(c->published.error, "policy image: ", 14);
	stop_dataplane(f);
}

static void counters_and_hits_are_those_of_all_workers(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;

	start_dataplane(f);
	RUN_UNTIL(f, c->n_attached == 1);
	assert_int_equal(publish(c, 1), 0);
	RUN_UNTIL(f, all_applied(c, 1) && c->n_done == 1);
	assert_int_equal(dataplane_get_counters(c->link, on_counters, c), 0);
	assert_int_equal(dataplane_get_counters(c->link, on_counters, c), -EBUSY);
	assert_int_equal(dataplane_get_hits(c->link, on_hits, c), 0);
	assert_int_equal(dataplane_get_hits(c->link, on_hits, c), -EBUSY);
	RUN_UNTIL(f, c->n_done == 3);
	assert_int_equal(c->n_counters, SMALL_WORKERS);
	assert_int_equal(c->n_hits, 2);
	assert_int_equal(c->hits_generation, 1);
	stop_dataplane(f);
}

static void a_dataplane_that_goes_away_answers_once_and_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;

	start_dataplane(f);
	RUN_UNTIL(f, c->n_attached == 1);
	stop_dataplane(f);
	assert_int_equal(publish(c, 1), 0);
	assert_int_equal(dataplane_get_counters(c->link, on_counters, c), 0);
	assert_int_equal(dataplane_get_hits(c->link, on_hits, c), 0);
	attachment_close(f->dataplane.attachment);
	RUN_UNTIL(f, c->n_detached == 1);
	assert_string_equal(c->why, "the dataplane stops");
	assert_int_equal(c->n_done, 3);
	assert_int_equal(c->error, -ENOTCONN);
	f->dataplane.attachment =
		attachment_open(&f->dataplane.map, f->dataplane.workers, &f->dataplane.publisher);
	assert_non_null(f->dataplane.attachment);
	// A restarted dataplane's workers know no rings.
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		atomic_store(&f->dataplane.workers[i].offered_segment, NULL);
		worker_link_poll(&f->dataplane.workers[i]);
	}
	start_dataplane(f);
	RUN_UNTIL(f, c->n_attached == 2);
	assert_int_equal(c->n_done, 3);
	stop_dataplane(f);
}

static void of_two_controls_the_later_stays_and_the_former_waits_for_its_end(void **state)
{
	struct fixture *f = *state;
	struct control *first = &f->control, second;
	struct dataplane_status status;

	start_dataplane(f);
	RUN_UNTIL(f, first->n_attached == 1);
	start_control(f, &second);
	RUN_UNTIL(f, second.n_attached == 1 && first->n_detached == 1);
	assert_memory_equal(first->why, "replaced by another control", 27);
	dataplane_status(second.link, &status);
	assert_int_equal(status.hello.replaced_epoch, 1);
	// The former tries again, in vain, and disturbs nothing.
	RUN_UNTIL(f,
		(dataplane_status(first->link, &status),
			strstr(status.last_error, "another control is attached") != NULL));
	assert_int_equal(second.n_detached, 0);
	dataplane_free(second.link);
	RUN_UNTIL(f, first->n_attached == 2);
	stop_dataplane(f);
}

// In a process of its own: publishes, tells by the pipe, and never ends by itself.
static void be_a_control(const char *socket, int told)
{
	struct fixture f = {0};
	struct control *c = &f.control;

	uv_loop_init(&f.loop);
	uv_timer_init(&f.loop, &f.pulse);
	uv_timer_start(&f.pulse, on_pulse, 10, 10);
	c->link = dataplane_new(&f.loop, socket, &events, c);
	while (c->n_attached == 0)
		uv_run(&f.loop, UV_RUN_ONCE);
	if (publish(c, 4) != 0)
		_exit(1);
	while (!all_applied(c, 4))
		uv_run(&f.loop, UV_RUN_ONCE);
	if (write(told, "x", 1) != 1)
		_exit(1);
	for (;;)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void a_killed_control_takes_nothing_with_it(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;
	int pipe_ends[2];
	pid_t child;
	char byte;

	// Threads of this process would not be in the child.
	dataplane_free(c->link);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(pipe(pipe_ends), 0);
	child = fork();
	if (child == 0)
		be_a_control(f->dataplane.map.socket, pipe_ends[1]);
	assert_true(child > 0);
	start_dataplane(f);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	start_control(f, c);
	RUN_UNTIL(f, c->n_attached == 1 && all_applied(c, 4));
	stop_dataplane(f);
	for (unsigned i = 0; i < SMALL_WORKERS; i++)
		assert_int_equal(f->dataplane.relays[i].n_changes, 1);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

// A dataplane that the test plays at the same address.
struct fake {
	int listener, socket;
	struct link_segment *segment;
};

static void fake_open(struct fixture *f, struct fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*fake = (struct fake){.socket = -1};
	attachment_close(f->dataplane.attachment);
	f->dataplane.attachment = NULL;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->dataplane.map.socket);
	fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(
		bind(fake->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fake->listener, 4), 0);
}

static void fake_accept(struct fixture *f, struct fake *fake)
{
	struct attach_message m;
	const char *error;
	int fd;

	if (fake->socket != -1)
		close(fake->socket);
	fake->socket = -1;
	RUN_UNTIL(f,
		(fake->socket = accept4(
			 fake->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
	assert_int_equal(attach_receive(fake->socket, &m, &fd, false, &error), 1);
	assert_int_equal(m.type, ATTACH_CLAIM);
}

static void fake_say(struct fake *fake, struct attach_message *m, int fd)
{
	m->epoch = m->type == ATTACH_BYE ? 0 : 1;
	assert_int_equal(attach_send(fake->socket, m, fd), 0);
}

static void fake_hello(struct fake *fake, const char *version)
{
	struct attach_message m = {.type = ATTACH_HELLO};

	m.hello.epoch = 1;
	m.hello.n_workers = 1;
	attach_text(m.hello.version, sizeof(m.hello.version), version);
	fake_say(fake, &m, -1);
}

static void fake_segment(struct fake *fake, uint32_t worker)
{
	struct attach_message m = {.type = ATTACH_SEGMENT};
	int fd;

	link_segment_unmap(fake->segment);
	fd = link_segment_create(&fake->segment);
	m.segment.worker = worker;
	fake_say(fake, &m, fd);
	close(fd);
}

static void fake_close(struct fake *fake)
{
	link_segment_unmap(fake->segment);
	close(fake->socket);
	close(fake->listener);
}

static uint64_t n_bad(const struct control *c)
{
	struct dataplane_status status;

	dataplane_status(c->link, &status);
	return status.messages_bad;
}

static void a_dataplane_that_breaks_the_rules_is_left(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;
	struct attach_message published = {.type = ATTACH_PUBLISHED};
	struct fake fake;

	published.published.generation = 1;
	published.published.ok = 1;
	fake_open(f, &fake);
	fake_accept(f, &fake);
	fake_hello(&fake, "99");
	RUN_UNTIL(f, n_bad(c) == 1);
	fake_accept(f, &fake);
	fake_say(&fake, &published, -1);
	RUN_UNTIL(f, n_bad(c) == 2);
	fake_accept(f, &fake);
	fake_hello(&fake, FEDRELAY_VERSION);
	fake_segment(&fake, 1);
	RUN_UNTIL(f, n_bad(c) == 3);
	fake_accept(f, &fake);
	fake_hello(&fake, FEDRELAY_VERSION);
	fake_say(&fake, &published, -1);
	RUN_UNTIL(f, n_bad(c) == 4);
	assert_int_equal(c->n_attached, 0);
	fake_accept(f, &fake);
	fake_hello(&fake, FEDRELAY_VERSION);
	fake_segment(&fake, 0);
	RUN_UNTIL(f, c->n_attached == 1);
	fake_say(&fake, &published, -1);
	RUN_UNTIL(f, n_bad(c) == 5 && c->n_detached == 1);
	fake_close(&fake);
	assert_int_equal(unlink(f->dataplane.map.socket), 0);
}

static void a_worker_that_lies_on_its_ring_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;
	struct link_message m = {.type = LINK_APPLIED, .n_bytes = LINK_BYTES_APPLIED, .epoch = 2};
	struct link_producer out;
	struct fake fake;

	fake_open(f, &fake);
	fake_accept(f, &fake);
	fake_hello(&fake, FEDRELAY_VERSION);
	fake_segment(&fake, 0);
	RUN_UNTIL(f, c->n_attached == 1);
	link_producer_init(&out, &fake.segment->to_control);
	// Another epoch, the wrong direction, an answer to what was never asked; then an honest
	// one.
	assert_int_equal(link_push(&out, &m), 0);
	m = (struct link_message){.type = LINK_PING, .n_bytes = LINK_BYTES_PING, .epoch = 1};
	assert_int_equal(link_push(&out, &m), 0);
	m = (struct link_message){
		.type = LINK_PONG, .n_bytes = LINK_BYTES_PONG, .epoch = 1, .pong = {1U << 30, 66}};
	assert_int_equal(link_push(&out, &m), 0);
	m = (struct link_message){
		.type = LINK_APPLIED, .n_bytes = LINK_BYTES_APPLIED, .epoch = 1, .applied = {8, 1}};
	assert_int_equal(link_push(&out, &m), 0);
	RUN_UNTIL(f, c->applied[0] == 8);
	assert_int_equal(n_bad(c), 3);
	atomic_store(&fake.segment->to_control.head, UINT32_MAX);
	RUN_UNTIL(f, c->n_detached == 1);
	assert_string_equal(c->why, "worker 0 broke its ring");
	fake_close(&fake);
	assert_int_equal(unlink(f->dataplane.map.socket), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_publication_is_proved_by_every_worker),
		CASE(a_refusal_says_why),
		CASE(counters_and_hits_are_those_of_all_workers),
		CASE(a_dataplane_that_goes_away_answers_once_and_is_found_again),
		CASE(of_two_controls_the_later_stays_and_the_former_waits_for_its_end),
		CASE(a_killed_control_takes_nothing_with_it),
		CASE(a_dataplane_that_breaks_the_rules_is_left),
		CASE(a_worker_that_lies_on_its_ring_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
