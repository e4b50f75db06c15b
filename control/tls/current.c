// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/context.h"

#include <pthread.h>
#include <stdlib.h>

// A mutex, for the pointer must not be read and its reference taken with somebody in between.
struct tls_current {
	pthread_mutex_t lock;
	struct tls_context *context;
};

struct tls_current *tls_current_new(void)
{
	struct tls_current *t = calloc(1, sizeof(*t));

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tls_current_free(struct tls_current *t)
{
	if (t == NULL)
		return;
	tls_context_put(t->context);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void tls_current_set(struct tls_current *t, struct tls_context *c)
{
	struct tls_context *former;

	pthread_mutex_lock(&t->lock);
	former = t->context;
	t->context = c;
	pthread_mutex_unlock(&t->lock);
	tls_context_put(former);
}

struct tls_context *tls_current_get(struct tls_current *t)
{
	struct tls_context *c;

	pthread_mutex_lock(&t->lock);
	c = t->context != NULL ? tls_context_get(t->context) : NULL;
	pthread_mutex_unlock(&t->lock);
	return c;
}
