// SPDX-License-Identifier: BSD-3-Clause
// fedrelay-control: modules up in order, down in reverse.

#include "control/api/api.h"
#include "control/credentials/credentials.h"
#include "control/dns/lookup.h"
#include "control/log.h"
#include "control/options.h"
#include "control/partner/trials.h"
#include "control/publish/publisher.h"
#include "control/sandbox.h"
#include "control/session/server.h"
#include "control/target/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
	struct options options;
	int listener;
	struct store *store;
	uv_loop_t loop;
	struct publisher *publisher;
	struct lookup *lookup;
	struct target_server *targets;
	struct session_server *sessions;
	struct trials *trials;
	struct credentials *credentials;
	struct api *api;
	uv_signal_t terminate, interrupt, hangup;
};

static int fail(const char *subject, int error)
{
	log_line(subject, "%s", strerror(-error));
	return error;
}

// What only root can do: the socket's folder and the state's parent are often root's own.
static int prepare_as_root(struct control *c)
{
	const struct options *o = &c->options;
	gid_t group = o->publishers != API_NO_GROUP ? o->publishers : o->gid;

	if (geteuid() == 0 && mkdir(o->state, 0700) == 0 && lchown(o->state, o->uid, o->gid) < 0)
		return fail(o->state, -errno);
	c->listener = api_listen(o->socket, o->uid, group);
	return c->listener < 0 ? fail(o->socket, c->listener) : 0;
}

static int lock_up(const struct options *o)
{
	int error = 0;

	if (geteuid() != o->uid)
		error = sandbox_drop(o->user, o->uid, o->gid);
	if (error < 0)
		return fail("privileges", error);
	if (o->uid == 0)
		log_line("privileges", "control runs as root, as --insecure-root asks");
	error = sandbox_seal();
	return error < 0 ? fail("sandbox", error) : 0;
}

static int open_store(struct control *c)
{
	char error[REVISIONS_ERROR_BYTES];

	c->store = store_open(c->options.state, error);
	if (c->store != NULL)
		return 0;
	log_line("store", "%s", error);
	return -EIO;
}

static void stop(uv_signal_t *handle, int number)
{
	struct control *c = handle->data;

	log_line("control", "going down: %s", strsignal(number));
	uv_close((uv_handle_t *)&c->terminate, NULL);
	uv_close((uv_handle_t *)&c->interrupt, NULL);
	uv_close((uv_handle_t *)&c->hangup, NULL);
	api_stop(c->api);
	trials_stop(c->trials);
	credentials_stop(c->credentials);
	session_server_stop(c->sessions);
	lookup_stop(c->lookup);
	publisher_stop(c->publisher);
}

static struct lookup *open_lookup(struct control *c)
{
	const struct options *o = &c->options;
	struct lookup_config config = {
		.resolver =
			{
				.servers = o->n_dns > 0 ? o->dns : NULL,
				.n_servers = o->n_dns,
				.trust_anchor = o->dns_anchor,
			},
		.order = o->sips_first ? FINDER_SIPS_FIRST : FINDER_FEDERATION_FIRST,
	};

	// Without randomness names would only be tried in the same order by all relays.
	(void)getrandom(&config.seed, sizeof(config.seed), GRND_NONBLOCK);
	return lookup_new(&c->loop, &config);
}

static void look_again(uv_signal_t *handle, int number)
{
	struct control *c = handle->data;

	(void)number;
	credentials_look(c->credentials);
}

static struct session_server *open_sessions(struct control *c)
{
	const struct session_server_config config = {
		.loop = &c->loop,
		.publisher = c->publisher,
		.source_per_s = c->options.handshakes_source,
		.all_per_s = c->options.handshakes_all,
	};

	return session_server_new(&config);
}

static struct trials *open_trials(struct control *c)
{
	const struct trials_config config = {
		.loop = &c->loop,
		.publisher = c->publisher,
		.finder = lookup_finder(c->lookup),
		.targets = c->targets,
		.sessions = c->sessions,
	};

	return trials_new(&config);
}

static void use_contexts(void *arg, struct tls_context *inside, struct tls_context *outside)
{
	struct control *c = arg;

	session_server_set_contexts(c->sessions, inside, outside);
}

static int check_document(void *arg, struct view document, struct errors *errors)
{
	const struct control *c = arg;

	return credentials_check(c->options.certificates, document, errors);
}

static void follow_revision(void *arg, uint64_t number)
{
	struct control *c = arg;

	credentials_follow(c->credentials, number);
}

static int open_credentials(struct control *c)
{
	static const struct publisher_hooks hooks = {check_document, follow_revision};
	const struct credentials_config config = {
		.loop = &c->loop,
		.store = c->store,
		.folder = c->options.certificates,
		.use = use_contexts,
		.arg = c,
	};

	c->credentials = credentials_new(&config);
	if (c->credentials == NULL)
		return -errno;
	publisher_set_hooks(c->publisher, &hooks, c);
	return 0;
}

static int start_modules(struct control *c)
{
	struct api_settings settings = {
		.loop = &c->loop,
		.store = c->store,
		.publishers = c->options.publishers,
	};
	int error;

	c->publisher = publisher_new(&c->loop, c->store, c->options.dataplane);
	if (c->publisher == NULL)
		return fail("publisher", -errno);
	settings.publisher = c->publisher;
	c->lookup = open_lookup(c);
	if (c->lookup == NULL)
		return fail("dns", -errno);
	c->targets = target_server_new(c->publisher, lookup_finder(c->lookup));
	if (c->targets == NULL)
		return fail("targets", -errno);
	settings.targets = target_server_targets(c->targets);
	c->sessions = open_sessions(c);
	if (c->sessions == NULL)
		return fail("sessions", -errno);
	session_server_set_names(c->sessions, target_server_name, c->targets);
	settings.sessions = c->sessions;
	c->trials = open_trials(c);
	if (c->trials == NULL)
		return fail("trials", -errno);
	settings.trials = c->trials;
	error = open_credentials(c);
	if (error < 0)
		return fail("credentials", error);
	settings.credentials = c->credentials;
	c->api = api_new(&settings, c->listener);
	if (c->api == NULL)
		return fail("api", -errno);
	uv_signal_init(&c->loop, &c->terminate);
	uv_signal_init(&c->loop, &c->interrupt);
	uv_signal_init(&c->loop, &c->hangup);
	c->terminate.data = c->interrupt.data = c->hangup.data = c;
	uv_signal_start(&c->terminate, stop, SIGTERM);
	uv_signal_start(&c->interrupt, stop, SIGINT);
	uv_signal_start(&c->hangup, look_again, SIGHUP);
	return 0;
}

static int run(struct control *c)
{
	int error = uv_loop_init(&c->loop);

	if (error < 0)
		return fail("loop", error);
	error = start_modules(c);
	if (error < 0)
		return error; // the process ends: nothing has been promised to anybody yet
	log_line("control", "up: version %s, socket %s", FEDRELAY_VERSION, c->options.socket);
	uv_run(&c->loop, UV_RUN_DEFAULT);
	api_free(c->api);
	trials_free(c->trials);
	credentials_free(c->credentials);
	session_server_free(c->sessions);
	target_server_free(c->targets);
	lookup_free(c->lookup);
	publisher_free(c->publisher);
	uv_loop_close(&c->loop);
	return 0;
}

int main(int argc, char *argv[])
{
	struct control c = {.listener = -1};
	int exit_code, error;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (options_parse(&c.options, argc, argv, &exit_code) < 0)
		return exit_code;
	error = prepare_as_root(&c);
	if (error == 0)
		error = lock_up(&c.options);
	if (error == 0)
		error = open_store(&c);
	if (error == 0)
		error = run(&c);
	store_close(c.store);
	// Fails in a folder of root's: the next control replaces it.
	if (c.listener >= 0)
		unlink(c.options.socket);
	return error < 0 ? 1 : 0;
}
