// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/link/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TO_CONTROL   true
#define TO_DATAPLANE false

// One valid message of each type.
static struct attach_message valid(enum attach_type type)
{
	struct attach_message m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	m.epoch = type == ATTACH_CLAIM ? 0 : 3;
	if (type == ATTACH_CLAIM) {
		attach_text(m.claim.version, sizeof(m.claim.version), "1.2.3");
	} else if (type == ATTACH_HELLO) {
		m.hello.epoch = 3;
		m.hello.n_workers = 2;
		m.hello.n_listeners = 1;
		attach_text(m.hello.version, sizeof(m.hello.version), "1.2.3");
	} else if (type == ATTACH_LISTENER) {
		m.listener.side = SIDE_OUTSIDE;
		m.listener.local.ip.family = IP_V4;
		m.listener.local.ip.bytes[0] = 10;
		m.listener.local.port = 5060;
		m.listener.local.transport = TRANSPORT_UDP;
		attach_text(m.listener.name, sizeof(m.listener.name), "outside");
	} else if (type == ATTACH_PUBLISH) {
		m.publish.generation = 1;
		m.publish.n_bytes = 4096;
	} else if (type == ATTACH_PUBLISHED) {
		m.published.generation = 1;
		m.published.ok = 1;
	} else if (type == ATTACH_HITS) {
		m.hits.generation = 1;
		m.hits.n_entries = 10;
	}
	return m;
}

static bool takes_fd(enum attach_type type)
{
	return type == ATTACH_SEGMENT || type == ATTACH_PUBLISH || type == ATTACH_HITS;
}

static bool goes_to_control(enum attach_type type)
{
	return type != ATTACH_CLAIM && type != ATTACH_PUBLISH && type != ATTACH_GET_COUNTERS &&
		type != ATTACH_GET_HITS;
}

static bool goes_to_dataplane(enum attach_type type)
{
	return !goes_to_control(type) || type == ATTACH_HEARTBEAT || type == ATTACH_BYE;
}

static void every_type_passes_in_its_direction_with_its_size_and_descriptor(void **state)
{
	(void)state;
	for (enum attach_type t = ATTACH_NONE + 1; t < ATTACH_N; t++) {
		struct attach_message m = valid(t);
		size_t n = attach_message_bytes(t);
		bool fd = takes_fd(t);

		assert_int_equal(attach_check(&m, n, fd, TO_CONTROL) == NULL, goes_to_control(t));
		assert_int_equal(
			attach_check(&m, n, fd, TO_DATAPLANE) == NULL, goes_to_dataplane(t));
		assert_non_null(attach_check(&m, n, !fd, goes_to_control(t)));
		assert_non_null(attach_check(&m, n - 1, fd, goes_to_control(t)));
		assert_non_null(attach_check(&m, n + 1, fd, goes_to_control(t)));
		for (size_t cut = 0; cut < n; cut++)
			assert_non_null(attach_check(&m, cut, fd, goes_to_control(t)));
	}
}

static void types_outside_the_list_are_refused(void **state)
{
	struct attach_message m = valid(ATTACH_HEARTBEAT);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		m.type = (const uint32_t[]){ATTACH_NONE, ATTACH_N, UINT32_MAX}[i];
		assert_string_equal(attach_check(&m, sizeof(m), false, TO_CONTROL), "unknown type");
		assert_int_equal(attach_message_bytes(m.type), 0);
	}
}

static void epochs_are_there_exactly_where_they_belong(void **state)
{
	struct attach_message m = valid(ATTACH_CLAIM);

	(void)state;
	m.epoch = 1;
	assert_non_null(attach_check(&m, attach_message_bytes(m.type), false, TO_DATAPLANE));
	m = valid(ATTACH_HELLO);
	m.epoch = 4;
	assert_non_null(attach_check(&m, attach_message_bytes(m.type), false, TO_CONTROL));
	m = valid(ATTACH_HEARTBEAT);
	m.epoch = 0;
	assert_non_null(attach_check(&m, attach_message_bytes(m.type), false, TO_CONTROL));
	m = valid(ATTACH_BYE);
	m.epoch = 0;
	assert_null(attach_check(&m, attach_message_bytes(m.type), false, TO_CONTROL));
}

// Breaks one field of a valid message.
#define REFUSED(TYPE, change)                                                                \
	do {                                                                                 \
		struct attach_message m = valid(TYPE);                                       \
		size_t n = attach_message_bytes(TYPE);                                       \
		assert_null(attach_check(&m, n, takes_fd(TYPE), goes_to_control(TYPE)));     \
		change;                                                                      \
		assert_non_null(attach_check(&m, n, takes_fd(TYPE), goes_to_control(TYPE))); \
	} while (0)

static void every_field_out_of_range_is_refused(void **state)
{
	(void)state;
	REFUSED(ATTACH_CLAIM, m.claim.only_if_free = 2);
	REFUSED(ATTACH_CLAIM, m.claim.zero[6] = 1);
	REFUSED(ATTACH_HELLO, m.hello.epoch = m.epoch = 0);
	REFUSED(ATTACH_HELLO, m.hello.replaced_epoch = 3);
	REFUSED(ATTACH_HELLO, m.hello.n_workers = 0);
	REFUSED(ATTACH_HELLO, m.hello.n_workers = ATTACH_WORKERS_MAX + 1);
	REFUSED(ATTACH_HELLO, m.hello.n_listeners = ATTACH_LISTENERS_MAX + 1);
	REFUSED(ATTACH_HELLO, m.hello.digest[15] = 1);
	REFUSED(ATTACH_SEGMENT, m.segment.worker = ATTACH_WORKERS_MAX);
	REFUSED(ATTACH_LISTENER, m.listener.index = ATTACH_LISTENERS_MAX);
	REFUSED(ATTACH_LISTENER, m.listener.side = SIDE_N);
	REFUSED(ATTACH_LISTENER, m.listener.zero[0] = 1);
	REFUSED(ATTACH_LISTENER, m.listener.local.ip.family = IP_NONE);
	REFUSED(ATTACH_LISTENER, m.listener.local.ip.family = 5);
	REFUSED(ATTACH_LISTENER, m.listener.local.ip.bytes[4] = 1);
	REFUSED(ATTACH_LISTENER, m.listener.local.ip.zero[2] = 1);
	REFUSED(ATTACH_LISTENER, m.listener.local.zero = 1);
	REFUSED(ATTACH_LISTENER, m.listener.local.port = 0);
	REFUSED(ATTACH_LISTENER, m.listener.local.transport = TRANSPORT_NONE);
	REFUSED(ATTACH_LISTENER, m.listener.local.transport = TRANSPORT_TLS + 1);
	REFUSED(ATTACH_PUBLISH, m.publish.generation = 0);
	REFUSED(ATTACH_PUBLISH, m.publish.n_bytes = 0);
	REFUSED(ATTACH_PUBLISH, m.publish.n_bytes = IMAGE_BYTES_MAX + 1);
	REFUSED(ATTACH_PUBLISHED, m.published.generation = 0);
	REFUSED(ATTACH_PUBLISHED, m.published.ok = 0);
	REFUSED(ATTACH_PUBLISHED, m.published.ok = 2);
	REFUSED(ATTACH_PUBLISHED, m.published.error[0] = 'x');
	REFUSED(ATTACH_COUNTERS, m.counters.worker = ATTACH_WORKERS_MAX);
	REFUSED(ATTACH_COUNTERS, m.counters.zero = 1);
	REFUSED(ATTACH_HITS, m.hits.n_entries = ATTACH_HITS_MAX + 1);
	REFUSED(ATTACH_HITS, m.hits.generation = 0);
	REFUSED(ATTACH_BYE, m.bye.replaced = 2);
}

static void text_must_be_printable_terminated_and_padded(void **state)
{
	(void)state;
	REFUSED(ATTACH_BYE, memset(m.bye.why, 'x', sizeof(m.bye.why)));
	REFUSED(ATTACH_BYE, m.bye.why[0] = '\033');
	REFUSED(ATTACH_BYE, m.bye.why[0] = (char)0x80);
	REFUSED(ATTACH_BYE, m.bye.why[5] = 'x');
	REFUSED(ATTACH_HELLO, memset(m.hello.version, 'x', sizeof(m.hello.version)));
	REFUSED(ATTACH_CLAIM, memset(m.claim.version, 'x', sizeof(m.claim.version)));
	REFUSED(ATTACH_LISTENER, m.listener.name[31] = 'x');
	REFUSED(ATTACH_PUBLISHED, m.published.error[1] = 'x');
}

static void text_is_cut_and_cleaned_to_fit(void **state)
{
	char to[6];

	(void)state;
	memset(to, 'z', sizeof(to));
	attach_text(to, sizeof(to), "a\n");
	assert_memory_equal(to, "a?\0\0\0\0", 6);
	attach_text(to, sizeof(to), "longer than that");
	assert_memory_equal(to, "longe\0", 6);
}

struct sockets {
	int end[2];
};

static int setup(void **state)
{
	struct sockets *s = calloc(1, sizeof(*s));

	*state = s;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->end);
}

static int teardown(void **state)
{
	struct sockets *s = *state;

	close(s->end[0]);
	close(s->end[1]);
	free(s);
	return 0;
}

static void a_message_and_its_descriptor_arrive_together(void **state)
{
	struct sockets *s = *state;
	struct attach_message m = valid(ATTACH_PUBLISH), got;
	const char *error = NULL;
	int fd, pipe_ends[2];
	char c = 0;

	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_DATAPLANE, &error), 0);
	assert_int_equal(attach_send(s->end[0], &m, pipe_ends[1]), 0);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_DATAPLANE, &error), 1);
	assert_memory_equal(&got, &m, attach_message_bytes(m.type));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &c, 1), 1);
	close(fd);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	close(s->end[0]);
	s->end[0] = -1;
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_DATAPLANE, &error), -EPIPE);
}

static void sending_never_blocks(void **state)
{
	struct sockets *s = *state;
	struct attach_message m = valid(ATTACH_HEARTBEAT);
	int error = 0;

	for (unsigned i = 0; i < 100000 && error == 0; i++)
		error = attach_send(s->end[0], &m, -1);
	assert_int_equal(error, -EAGAIN);
}

static void sending_to_nobody_is_an_error_without_a_signal(void **state)
{
	struct sockets *s = *state;
	struct attach_message m = valid(ATTACH_HEARTBEAT);

	close(s->end[1]);
	s->end[1] = -1;
	assert_int_equal(attach_send(s->end[0], &m, -1), -EPIPE);
	m.type = ATTACH_N;
	assert_int_equal(attach_send(s->end[0], &m, -1), -EINVAL);
}

static void last_words_are_read_although_the_peer_read_nothing(void **state)
{
	struct sockets *s = *state;
	struct attach_message heartbeat = valid(ATTACH_HEARTBEAT), bye = valid(ATTACH_BYE), got;
	const char *error;
	int fd;

	assert_int_equal(attach_send(s->end[1], &heartbeat, -1), 0);
	assert_int_equal(attach_send(s->end[0], &bye, -1), 0);
	close(s->end[0]);
	s->end[0] = -1;
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_CONTROL, &error), 1);
	assert_int_equal(got.type, ATTACH_BYE);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_CONTROL, &error), -EPIPE);
}

static int lowest_free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void send_raw(int socket, const void *bytes, size_t n_bytes, const int fds[], unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n_bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &msg, 0), n_bytes);
}

static void descriptors_of_a_refused_message_are_closed(void **state)
{
	struct sockets *s = *state;
	struct attach_message publish = valid(ATTACH_PUBLISH), got;
	struct attach_message heartbeat = valid(ATTACH_HEARTBEAT);
	const int fds[] = {0, 0, 0, 0};
	const char *error;
	int fd, lowest = lowest_free_fd();

	for (unsigned n = 2; n <= 4; n++) {
		send_raw(s->end[0], &publish, attach_message_bytes(ATTACH_PUBLISH), fds, n);
		assert_int_equal(
			attach_receive(s->end[1], &got, &fd, TO_DATAPLANE, &error), -EPROTO);
		assert_int_equal(fd, -1);
		assert_int_equal(lowest_free_fd(), lowest);
	}
	send_raw(s->end[0], &heartbeat, attach_message_bytes(ATTACH_HEARTBEAT), fds, 1);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_DATAPLANE, &error), -EPROTO);
	assert_string_equal(error, "unexpected descriptor");
	assert_int_equal(lowest_free_fd(), lowest);
}

static void oversized_and_odd_packets_are_refused(void **state)
{
	struct sockets *s = *state;
	static uint8_t bytes[sizeof(struct attach_message) + 8];
	struct attach_message got;
	const char *error;
	int fd;

	bytes[0] = ATTACH_COUNTERS;
	send_raw(s->end[0], bytes, sizeof(bytes), NULL, 0);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_CONTROL, &error), -EPROTO);
	send_raw(s->end[0], bytes, 3, NULL, 0);
	assert_int_equal(attach_receive(s->end[1], &got, &fd, TO_CONTROL, &error), -EPROTO);
	assert_string_equal(error, "too short for a type");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_passes_in_its_direction_with_its_size_and_descriptor),
		cmocka_unit_test(types_outside_the_list_are_refused),
		cmocka_unit_test(epochs_are_there_exactly_where_they_belong),
		cmocka_unit_test(every_field_out_of_range_is_refused),
		cmocka_unit_test(text_must_be_printable_terminated_and_padded),
		cmocka_unit_test(text_is_cut_and_cleaned_to_fit),
		CASE(a_message_and_its_descriptor_arrive_together),
		CASE(sending_never_blocks),
		CASE(sending_to_nobody_is_an_error_without_a_signal),
		CASE(last_words_are_read_although_the_peer_read_nothing),
		CASE(descriptors_of_a_refused_message_are_closed),
		CASE(oversized_and_odd_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
