// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/attach/attach.h"

#include "dataplane/attach/answers.h"
#include "dataplane/attach/attach_state.h"
#include "dataplane/attach/listener.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// Messages taken a step, so that heartbeats and publications get their turn.
#define MESSAGES_A_STEP 16

void attach_close_peer(struct peer *p)
{
	if (p->socket != -1)
		close(p->socket);
	p->socket = -1;
}

void attach_say_bye(struct peer *p, uint32_t epoch, bool replaced, const char *why)
{
	struct attach_message m = {.type = ATTACH_BYE, .epoch = epoch};

	m.bye.replaced = replaced;
	attach_text(m.bye.why, sizeof(m.bye.why), why);
	(void)attach_send(p->socket, &m, -1);
}

void attach_drop(struct attachment *a, enum reason reason, const char *why)
{
	if (reason != REASON_none)
		a->counts[reason]++;
	attach_say_bye(&a->control, a->epoch, reason == REASON_attach_replaced, why);
	attach_close_peer(&a->control);
	segments_revoke(&a->segments);
}

// False: the control was dropped.
static bool say(struct attachment *a, struct attach_message *m, int fd)
{
	int error;

	m->epoch = a->epoch;
	error = attach_send(a->control.socket, m, fd);
	if (error == 0) {
		a->control.said_ms = a->now_ms;
		return true;
	}
	if (error == -EAGAIN)
		attach_drop(a, REASON_attach_slow, "control does not read its socket");
	else
		attach_drop(a, REASON_none, "the socket failed");
	return false;
}

static bool say_segment(struct attachment *a, unsigned worker, int fd)
{
	struct attach_message m = {0};

	answer_segment(&m, &a->segments.workers[worker]);
	return say(a, &m, fd);
}

static bool introduce(struct attachment *a, int fds[])
{
	struct attach_message m = {.epoch = a->epoch};
	bool said;

	answer_hello(&m, a->map, a->publisher->current, a->replaced_epoch);
	said = say(a, &m, -1);
	for (unsigned i = 0; i < a->segments.n_workers; i++) {
		said = said && say_segment(a, i, fds[i]);
		close(fds[i]);
	}
	for (unsigned i = 0; i < a->map->n_listeners && said; i++) {
		m = (struct attach_message){0};
		answer_listener(&m, a->map, i);
		said = say(a, &m, -1);
	}
	return said;
}

// The claimant becomes the control. No rings of another are left.
static void attach(struct attachment *a)
{
	int fds[CORE_MAP_WORKERS_MAX];

	a->epoch++;
	if (a->epoch == 0)
		a->epoch = 1;
	if (segments_make(&a->segments, a->epoch, fds) < 0) {
		claim_refuse(a, "no memory for the rings");
		return;
	}
	a->control = a->claimant;
	a->control.heard_ms = a->now_ms;
	a->claimant.socket = -1;
	if (introduce(a, fds))
		segments_offer(&a->segments);
}

static void say_published(struct attachment *a, const struct attach_published *result)
{
	struct attach_message m = {.type = ATTACH_PUBLISHED, .published = *result};

	if (!result->ok)
		a->counts[REASON_image_refused]++;
	(void)say(a, &m, -1);
}

static void take_image(struct attachment *a, const struct attach_publish *request, int fd)
{
	if (publisher_begin(a->publisher, fd, request) == 0) {
		a->publishing_epoch = a->epoch;
	} else {
		struct attach_published refused = {.generation = request->generation};

		attach_text(refused.error, sizeof(refused.error),
			"another publication is under way: try again");
		say_published(a, &refused);
	}
}

static void tell_counters(struct attachment *a)
{
	for (unsigned i = 0; i < a->segments.n_workers; i++) {
		struct attach_message m = {0};

		answer_counters(&m, &a->segments.workers[i]);
		// This thread's own have no other place, and no worker counts them.
		for (unsigned r = 0; r < REASON_N && i == 0; r++)
			m.counters.counters.reason[r] += a->counts[r];
		if (!say(a, &m, -1))
			return;
	}
}

static void tell_hits(struct attachment *a)
{
	struct attach_message m = {0};
	int fd = answer_hits(&m, a->publisher->current);

	if (fd < 0) {
		attach_drop(a, REASON_none, "no memory for the hit counters");
		return;
	}
	(void)say(a, &m, fd);
	close(fd);
}

static void hear(struct attachment *a, const struct attach_message *m, int fd)
{
	switch ((enum attach_type)m->type) {
	case ATTACH_HEARTBEAT:
		break;
	case ATTACH_PUBLISH:
		take_image(a, &m->publish, fd);
		break;
	case ATTACH_GET_COUNTERS:
		tell_counters(a);
		break;
	case ATTACH_GET_HITS:
		tell_hits(a);
		break;
	case ATTACH_BYE:
		attach_drop(a, REASON_none, "as you said");
		break;
	case ATTACH_NONE:
	case ATTACH_CLAIM:
	case ATTACH_HELLO:
	case ATTACH_SEGMENT:
	case ATTACH_LISTENER:
	case ATTACH_PUBLISHED:
	case ATTACH_COUNTERS:
	case ATTACH_HITS:
	case ATTACH_N:
		attach_drop(a, REASON_attach_malformed, "a message out of place");
		break;
	}
}

static void hear_control(struct attachment *a)
{
	for (unsigned i = 0; i < MESSAGES_A_STEP && a->control.socket != -1; i++) {
		struct attach_message m;
		const char *error = NULL;
		int fd, got = attach_receive(a->control.socket, &m, &fd, false, &error);

		if (got == 0)
			return;
		if (got == -EPROTO) {
			attach_drop(a, REASON_attach_malformed, error);
		} else if (got < 0) {
			attach_drop(a, REASON_none, "the socket failed");
		} else if (m.epoch != a->epoch) {
			attach_drop(a, REASON_attach_malformed, "another attachment's epoch");
		} else {
			a->control.heard_ms = a->now_ms;
			hear(a, &m, fd);
		}
		if (fd != -1)
			close(fd);
	}
}

static void publish(struct attachment *a)
{
	struct attach_published result;

	publisher_poll(a->publisher);
	if (a->publishing_epoch == 0 || !publisher_result(a->publisher, &result))
		return;
	// Whoever attached since has read in HELLO what came of it, or will find out by asking.
	if (a->control.socket != -1 && a->publishing_epoch == a->epoch)
		say_published(a, &result);
	a->publishing_epoch = 0;
}

static void keep_alive(struct attachment *a)
{
	struct attach_message m = {.type = ATTACH_HEARTBEAT};

	if (a->now_ms - a->control.heard_ms > ATTACH_SILENCE_MS)
		attach_drop(a, REASON_attach_silent, "no heartbeat");
	else if (a->now_ms - a->control.said_ms >= ATTACH_HEARTBEAT_MS)
		(void)say(a, &m, -1);
}

void attachment_step(struct attachment *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	claim_accept(a);
	if (a->control.socket != -1)
		hear_control(a);
	publish(a);
	if (a->control.socket != -1)
		keep_alive(a);
	if (a->claimant.socket != -1)
		claim_hear(a);
	if (segments_free_revoked(&a->segments) && a->claimant.socket != -1 && a->claimed)
		attach(a);
}

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void attachment_poll(struct attachment *a, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = a->listener, .events = POLLIN},
		{.fd = a->claimant.socket, .events = POLLIN},
		{.fd = a->control.socket, .events = POLLIN},
		{.fd = publisher_fd(a->publisher), .events = POLLIN},
	};

	// Workers do not wake anybody: look again soon while one has to let go of rings.
	if (a->claimant.socket != -1 && a->claimed && timeout_ms > 1)
		timeout_ms = 1;
	(void)poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms);
	attachment_step(a, clock_ms());
}

static int find_user(const char *name, uid_t *uid)
{
	const struct passwd *user;

	*uid = geteuid();
	if (name[0] == '\0')
		return 0;
	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return errno != 0 ? -errno : -ENOENT;
	*uid = user->pw_uid;
	return 0;
}

int attachment_check(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES])
{
	char folder[ATTACH_PATH_BYTES];
	int r = listener_make_folder(map->socket, folder);

	if (r < 0)
		snprintf(error, CORE_MAP_ERROR_BYTES,
			"control: socket: cannot be made in %s: %s; expected a folder that this "
			"user may write to",
			folder, strerror(-r));
	return r;
}

struct attachment *attachment_open(
	const struct core_map *map, struct worker *workers, struct publisher *publisher)
{
	struct attachment *a = calloc(1, sizeof(*a));
	int error;

	if (a == NULL)
		return NULL;
	a->map = map;
	a->publisher = publisher;
	a->segments = (struct segments){.workers = workers, .n_workers = map->n_workers};
	a->claimant.socket = a->control.socket = -1;
	error = find_user(map->control_user, &a->uid);
	if (error == 0)
		error = a->listener = listener_open(map->socket, a->uid);
	if (error < 0) {
		free(a);
		errno = -error;
		return NULL;
	}
	return a;
}

void attachment_close(struct attachment *a)
{
	if (a == NULL)
		return;
	if (a->control.socket != -1)
		attach_say_bye(&a->control, a->epoch, false, "the dataplane stops");
	attach_close_peer(&a->control);
	attach_close_peer(&a->claimant);
	close(a->listener);
	(void)unlink(a->map->socket);
	segments_fini(&a->segments);
	free(a);
}
