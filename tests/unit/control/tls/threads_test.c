// SPDX-License-Identifier: BSD-3-Clause
// Handshakes on several threads under one cache, while contexts are replaced.

#include "tests/unit/control/tls/peer.h"

#include <pthread.h>
#include <stdatomic.h>

#define N_THREADS    3
#define N_HANDSHAKES 20
#define N_RELOADS    30

struct world {
	struct pki ca, ours, partner;
	struct tls_cache *cache;
	struct tls_current *current;
	atomic_uint n_done;
};

static void *shake_on(void *arg)
{
	const struct tls_params params = {.role = TLS_SERVER};
	struct world *w = arg;

	for (int i = 0; i < N_HANDSHAKES; i++) {
		struct tls_context *c = tls_current_get(w->current);
		struct tls_handshake *h = tls_handshake_new(c, &params, PKI_NOW_S);
		struct record_secrets secrets;
		struct peer *p = malloc(sizeof(*p));

		// The handshake has a reference of its own.
		tls_context_put(c);
		peer_init(p, &(struct peer_spec){.role = TLS_CLIENT, .shows = &w->partner});
		if (peer_run(p, h) == TLS_DONE && tls_handshake_finish(h, &secrets) == 0)
			atomic_fetch_add(&w->n_done, 1);
		tls_handshake_free(h);
		peer_fini(p);
		free(p);
	}
	return NULL;
}

static void handshakes_go_on_while_contexts_are_replaced(void **state)
{
	pthread_t threads[N_THREADS];
	struct world w = {0};

	(void)state;
	w.ca = pki_issue(NULL, &(struct pki_spec){.cn = "CA", .ca = true});
	w.ours = pki_issue(&w.ca, &(struct pki_spec){.san = "DNS:contoso.example"});
	w.partner = pki_issue(&w.ca, &(struct pki_spec){.san = "DNS:fabrikam.example"});
	w.cache = tls_cache_new();
	w.current = tls_current_new();
	tls_current_set(w.current, context_of(&w.ours, &w.ca, w.cache));
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shake_on, &w), 0);
	for (int i = 0; i < N_RELOADS; i++)
		tls_current_set(w.current, context_of(&w.ours, &w.ca, w.cache));
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&w.n_done), N_THREADS * N_HANDSHAKES);
	assert_true(tls_cache_counts(w.cache).n_hits > 0);
	tls_current_free(w.current);
	tls_cache_free(w.cache);
	pki_free(&w.ca);
	pki_free(&w.ours);
	pki_free(&w.partner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes_go_on_while_contexts_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
