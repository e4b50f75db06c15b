// SPDX-License-Identifier: BSD-3-Clause

#include "control/dns/lookup.h"

#include <errno.h>
#include <stdlib.h>

#define TICK_MS 100

struct lookup {
	struct resolver *resolver;
	struct finder *finder;
	uv_timer_t timer;
};

static uint64_t now_ns(void *arg)
{
	(void)arg;
	return uv_hrtime();
}

static void tick(uv_timer_t *timer)
{
	struct lookup *l = timer->data;

	finder_timers(l->finder);
}

static struct finder *open_finder(struct lookup *l, const struct lookup_config *config)
{
	const struct finder_config finder = {
		.dns = resolver_source(l->resolver),
		.order = config->order,
		.n_max = LOOKUP_NAMES_MAX,
		.seed = config->seed,
		.now_ns = now_ns,
	};

	return finder_new(&finder);
}

struct lookup *lookup_new(uv_loop_t *loop, const struct lookup_config *config)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int error = 0;

	if (l == NULL)
		return NULL;
	l->resolver = resolver_new(loop, &config->resolver);
	if (l->resolver != NULL)
		l->finder = open_finder(l, config);
	if (l->finder == NULL)
		error = -errno;
	if (error == 0)
		error = uv_timer_init(loop, &l->timer);
	if (error == 0) {
		l->timer.data = l;
		uv_timer_start(&l->timer, tick, TICK_MS, TICK_MS);
		return l;
	}
	resolver_free(l->resolver);
	finder_free(l->finder);
	free(l);
	errno = -error;
	return NULL;
}

void lookup_stop(struct lookup *l)
{
	resolver_free(l->resolver);
	l->resolver = NULL;
	uv_close((uv_handle_t *)&l->timer, NULL);
}

void lookup_free(struct lookup *l)
{
	if (l == NULL)
		return;
	finder_free(l->finder);
	free(l);
}

struct finder *lookup_finder(struct lookup *l)
{
	return l->finder;
}
