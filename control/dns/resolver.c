// SPDX-License-Identifier: BSD-3-Clause

#include "control/dns/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unbound.h>

// Of one question that are read; a name has no good reason for more.
#define RECORDS_MAX 64
#define CLASS_IN    1

struct question {
	dns_done_fn *done;
	void *arg;
	LIST_ENTRY(question) in_asked;
};

struct resolver {
	struct ub_ctx *context;
	uv_poll_t poll;
	LIST_HEAD(, question) asked; // not answered yet: libunbound forgets them at its end
};

static enum dns_outcome outcome_of(int error, const struct ub_result *result)
{
	if (error != 0 || result == NULL)
		return DNS_FAILED;
	if (result->bogus)
		return DNS_BOGUS;
	if (result->havedata)
		return DNS_OK;
	// NOERROR without data, or NXDOMAIN; anything else is a server's trouble.
	return result->rcode == 0 || result->rcode == 3 ? DNS_NONE : DNS_FAILED;
}

static void answered(void *arg, int error, struct ub_result *result)
{
	struct question *q = arg;
	struct view records[RECORDS_MAX];
	struct dns_answer answer = {.outcome = outcome_of(error, result), .records = records};

	if (answer.outcome == DNS_OK || answer.outcome == DNS_NONE) {
		answer.secure = result->secure;
		answer.ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	}
	for (size_t i = 0; answer.outcome == DNS_OK && i < RECORDS_MAX && result->data[i] != NULL;
		i++)
		records[answer.n_records++] = view_of(result->data[i], (size_t)result->len[i]);
	LIST_REMOVE(q, in_asked);
	q->done(q->arg, &answer);
	if (result != NULL)
		ub_resolve_free(result);
	free(q);
}

static int ask(void *arg, const char *name, enum dns_type type, dns_done_fn *done, void *done_arg)
{
	struct resolver *r = arg;
	struct question *q = malloc(sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	*q = (struct question){.done = done, .arg = done_arg};
	LIST_INSERT_HEAD(&r->asked, q, in_asked);
	if (ub_resolve_async(r->context, name, (int)type, CLASS_IN, q, answered, NULL) == 0)
		return 0;
	LIST_REMOVE(q, in_asked);
	free(q);
	return -EINVAL;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct resolver *r = poll->data;

	(void)events;
	if (status == 0)
		ub_process(r->context);
}

static int configure(struct ub_ctx *context, const struct resolver_config *config)
{
	size_t n_servers = config->servers != NULL ? config->n_servers : 0;
	int error = 0;

	// Its own log is nobody's.
	ub_ctx_debugout(context, NULL);
	// A thread of this process: the sandbox lets no other one be made.
	if (ub_ctx_async(context, 1) != 0)
		return -EINVAL;
	// A resolver of the machine's own is as good as any.
	error = ub_ctx_set_option(context, "do-not-query-localhost:", "no");
	if (error == 0 && n_servers == 0)
		error = ub_ctx_resolvconf(context, NULL);
	for (size_t i = 0; error == 0 && i < n_servers; i++)
		error = ub_ctx_set_fwd(context, config->servers[i]);
	if (error == 0 && config->trust_anchor != NULL)
		error = ub_ctx_add_ta_file(context, config->trust_anchor);
	for (size_t i = 0; error == 0 && i < config->n_records; i++)
		error = ub_ctx_data_add(context, config->records[i]);
	return error == 0 ? 0 : -EINVAL;
}

struct resolver *resolver_new(uv_loop_t *loop, const struct resolver_config *config)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r == NULL)
		return NULL;
	r->context = ub_ctx_create();
	if (r->context != NULL)
		error = configure(r->context, config);
	if (error == 0)
		error = uv_poll_init(loop, &r->poll, ub_fd(r->context));
	if (error == 0) {
		r->poll.data = r;
		error = uv_poll_start(&r->poll, UV_READABLE, ready);
		if (error == 0)
			return r;
	}
	if (r->context != NULL)
		ub_ctx_delete(r->context);
	free(r);
	errno = -error;
	return NULL;
}

static void closed(uv_handle_t *handle)
{
	struct resolver *r = handle->data;
	struct question *q;

	ub_ctx_delete(r->context);
	while ((q = LIST_FIRST(&r->asked)) != NULL) {
		LIST_REMOVE(q, in_asked);
		free(q);
	}
	free(r);
}

void resolver_free(struct resolver *r)
{
	if (r != NULL && !uv_is_closing((uv_handle_t *)&r->poll))
		uv_close((uv_handle_t *)&r->poll, closed);
}

struct dns_source resolver_source(struct resolver *r)
{
	return (struct dns_source){.arg = r, .ask = ask};
}
