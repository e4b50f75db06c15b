// SPDX-License-Identifier: BSD-3-Clause

#include "control/target/serve.h"

#include "control/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define TARGETS_MAX 16384
// Between two lines about targets that no peer has: a worker may ask for them all day.
#define LOG_NS UINT64_C(60000000000)

struct target_server {
	struct publisher *publisher;
	struct targets *targets;
	uint64_t logged_ns, n_logged;
};

static void log_unknown(struct target_server *s, const struct link_target *which, uint64_t now_ns)
{
	uint64_t n = targets_n_unknown(s->targets);
	char text[ENDPOINT_TEXT_BYTES];

	if (n == s->n_logged || (s->logged_ns != 0 && now_ns - s->logged_ns < LOG_NS))
		return;
	s->logged_ns = now_ns;
	s->n_logged = n;
	endpoint_format(&which->remote, text);
	log_line(
		"targets", "a worker asks for %s, which no peer of the published policy has", text);
}

static void heard(void *arg, unsigned worker, const struct link_message *m)
{
	struct target_server *s = arg;
	struct dataplane *d = publisher_dataplane(s->publisher);
	const struct replica *replica = publisher_replica(s->publisher);
	struct link_message answer;
	uint64_t now_ns = uv_hrtime();

	if (!targets_hear(s->targets, replica != NULL ? replica_image(replica) : NULL,
		    dataplane_n_listeners(d), m, now_ns, &answer))
		return;
	// A worker whose ring is full asks again.
	(void)dataplane_say_worker(d, worker, &answer);
	log_unknown(s, &m->target_wanted.target, now_ns);
}

static void attached(void *arg)
{
	struct target_server *s = arg;

	targets_forget_connections(s->targets);
}

struct target_server *target_server_new(struct publisher *p)
{
	static const struct dataplane_hearer hearer = {attached, NULL, heard};
	struct target_server *s = calloc(1, sizeof(*s));
	uint64_t seed = 0;
	int error;

	if (s == NULL)
		return NULL;
	// A seed of zero would do: targets would only come back in step with another relay's.
	(void)getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	s->publisher = p;
	s->targets = targets_new(TARGETS_MAX, seed);
	if (s->targets == NULL) {
		error = errno;
		free(s);
		errno = error;
		return NULL;
	}
	error = dataplane_add_hearer(publisher_dataplane(p), &hearer, s);
	if (error < 0) {
		target_server_free(s);
		errno = -error;
		return NULL;
	}
	return s;
}

void target_server_free(struct target_server *s)
{
	if (s == NULL)
		return;
	targets_free(s->targets);
	free(s);
}

const struct targets *target_server_targets(const struct target_server *s)
{
	return s->targets;
}
