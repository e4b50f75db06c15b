// SPDX-License-Identifier: BSD-3-Clause
// The pool against plain OpenSSL peers, on a real loop and real threads.

#include "control/session/pool.h"
#include "tests/unit/control/tls/peer.h"

#include <errno.h>
#include <pthread.h>

#define N_MAX      64
#define N_THREADS  3
#define N_SESSIONS 16
#define ROUNDS_MAX 20000

struct heard {
	unsigned n, order; // order: of the last among all
	struct pool_answer last;
	uint8_t output[PEER_BYTES_MAX];
};

struct fixture {
	struct pki ca, ours, partner;
	struct tls_context *context;
	uv_loop_t loop;
	struct pool *pool;
	struct heard heard[N_MAX]; // by the lower half of the id
	unsigned n_heard;
};

// Where a thread of the pool asks for the time, which it does as a handshake begins, it can be
// held.
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_closed;
	unsigned n_waiting;
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int64_t now_s(void)
{
	pthread_mutex_lock(&gate.mutex);
	gate.n_waiting++;
	pthread_cond_broadcast(&gate.changed);
	while (gate.is_closed)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	gate.n_waiting--;
	pthread_mutex_unlock(&gate.mutex);
	return PKI_NOW_S;
}

static void gate_set(bool is_closed)
{
	pthread_mutex_lock(&gate.mutex);
	gate.is_closed = is_closed;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

static void gate_await(void)
{
	pthread_mutex_lock(&gate.mutex);
	while (gate.n_waiting == 0)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	pthread_mutex_unlock(&gate.mutex);
}

static void answered(void *arg, const struct pool_answer *a)
{
	struct fixture *f = arg;
	struct heard *h = &f->heard[(uint32_t)a->id];

	h->n++;
	h->order = ++f->n_heard;
	h->last = *a;
	memcpy(h->output, a->output.at, a->output.len);
	h->last.output = view_of(h->output, a->output.len);
}

static int setup(void **state)
{
	static const struct pki_spec ca = {.cn = "test CA", .ca = true};
	static const struct pki_spec ours = {.cn = "ours", .san = "DNS:contoso.example"};
	static const struct pki_spec partner = {.cn = "partner", .san = "DNS:fabrikam.example"};
	struct fixture *f = calloc(1, sizeof(*f));
	struct pool_config config = {.n_threads = N_THREADS,
		.n_max = N_MAX,
		.now_s = now_s,
		.answered = answered,
		.arg = f};

	f->ca = pki_issue(NULL, &ca);
	f->ours = pki_issue(&f->ca, &ours);
	f->partner = pki_issue(&f->ca, &partner);
	f->context = context_of(&f->ours, &f->ca, NULL);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	config.loop = &f->loop;
	f->pool = pool_new(&config);
	assert_non_null(f->pool);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pool_free(f->pool);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	tls_context_put(f->context);
	pki_free(&f->ca);
	pki_free(&f->ours);
	pki_free(&f->partner);
	free(f);
	return 0;
}

static uint64_t id_of(uint32_t i)
{
	return UINT64_C(7) << 32 | i;
}

static void await(struct fixture *f, uint32_t i, unsigned n)
{
	while (f->heard[i].n < n)
		uv_run(&f->loop, UV_RUN_ONCE);
}

static void begin(struct fixture *f, uint32_t i, const struct tls_params *params)
{
	assert_true(pool_begin(f->pool, id_of(i), tls_context_get(f->context), params));
}

// Until the handshake is done or has failed.
static void shake(struct fixture *f, uint32_t i, struct peer *peer)
{
	struct heard *h = &f->heard[i];

	for (unsigned round = 0; round < 100; round++) {
		struct view record = peer_record(peer);

		if (h->n > 0 && h->last.step != TLS_WANTS_RECORD)
			return;
		assert_int_not_equal(record.len, 0);
		pool_step(f->pool, id_of(i), record);
		peer_taken(peer, record.len);
		await(f, i, h->n + 1);
		peer_feed(peer, h->last.output);
	}
	fail();
}

static void a_client_of_a_partner_becomes_known_by_its_card(void **state)
{
	struct fixture *f = *state;
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &f->partner};
	const struct tls_params params = {.role = TLS_SERVER};
	const struct heard *h = &f->heard[5];
	struct peer peer;

	peer_init(&peer, &spec);
	begin(f, 5, &params);
	peer_feed(&peer, VIEW_NONE);
	shake(f, 5, &peer);
	assert_int_equal(h->last.step, TLS_DONE);
	assert_int_equal(h->last.id, id_of(5));
	assert_true(h->last.has_card);
	assert_true(card_proves(&h->last.card, VIEW("fabrikam.example")));
	assert_int_equal(h->last.card_name, pool_card_name(&h->last.card));
	assert_null(record_secrets_check(&h->last.secrets));
	assert_int_equal(h->last.facts.version, h->last.secrets.version);
	pool_drop(f->pool, id_of(5));
	peer_fini(&peer);
}

static void as_a_client_it_speaks_first_and_knows_whom_it_wants(void **state)
{
	struct fixture *f = *state;
	const struct peer_spec spec = {.role = TLS_SERVER, .shows = &f->partner};
	static const char *const names[] = {"fabrikam.example", "contoso.example"};

	for (uint32_t i = 0; i < 2; i++) {
		const struct heard *h = &f->heard[i];
		char name[32], server_name[32];
		struct tls_params params = {.role = TLS_CLIENT,
			.match = TLS_MATCH_DOMAIN,
			.server_name = server_name,
			.name = view_of(name, strlen(names[i]))};
		struct peer peer;

		strcpy(name, names[i]);
		strcpy(server_name, names[i]);
		peer_init(&peer, &spec);
		begin(f, i, &params);
		// They are its own by now.
		memset(name, 'x', sizeof(name));
		memset(server_name, 'x', sizeof(server_name));
		await(f, i, 1);
		peer_feed(&peer, h->last.output);
		shake(f, i, &peer);
		assert_int_equal(h->last.step, i == 0 ? TLS_DONE : TLS_FAILED);
		if (i == 1)
			assert_int_equal(h->last.refusal, TLS_REFUSAL_wrong_name);
		assert_string_equal(h->last.facts.server_name, names[i]);
		peer_fini(&peer);
	}
}

static void many_at_once_do_not_mix(void **state)
{
	struct fixture *f = *state;
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &f->partner};
	const struct tls_params params = {.role = TLS_SERVER};
	static struct peer peers[N_SESSIONS];
	unsigned n_given[N_SESSIONS] = {0}, n_done = 0, rounds = 0;

	for (uint32_t i = 0; i < N_SESSIONS; i++) {
		peer_init(&peers[i], &spec);
		peer_feed(&peers[i], VIEW_NONE);
		begin(f, i, &params);
	}
	while (n_done < N_SESSIONS) {
		assert_true(rounds++ < ROUNDS_MAX);
		n_done = 0;
		for (uint32_t i = 0; i < N_SESSIONS; i++) {
			struct heard *h = &f->heard[i];
			struct view record;

			if (h->n < n_given[i])
				continue;
			if (h->n > 0 && h->last.output.len > 0)
				peer_feed(&peers[i], h->last.output);
			h->last.output = VIEW_NONE;
			if (h->n > 0 && h->last.step != TLS_WANTS_RECORD) {
				assert_int_equal(h->last.step, TLS_DONE);
				n_done++;
				continue;
			}
			record = peer_record(&peers[i]);
			assert_int_not_equal(record.len, 0);
			pool_step(f->pool, id_of(i), record);
			peer_taken(&peers[i], record.len);
			n_given[i]++;
		}
		if (n_done < N_SESSIONS)
			uv_run(&f->loop, UV_RUN_ONCE);
	}
	for (uint32_t i = 0; i < N_SESSIONS; i++)
		peer_fini(&peers[i]);
}

static void one_that_cannot_begin_says_so_at_its_first_step(void **state)
{
	struct fixture *f = *state;
	const struct tls_params params = {.role = TLS_CLIENT, .certificate = 12345};

	begin(f, 3, &params);
	await(f, 3, 1);
	assert_int_equal(f->heard[3].last.step, TLS_FAILED);
	assert_int_equal(f->heard[3].last.refusal, TLS_REFUSAL_no_such_certificate);
	assert_false(f->heard[3].last.has_card);
}

static void what_is_no_tls_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	const struct tls_params params = {.role = TLS_SERVER};

	begin(f, 4, &params);
	pool_step(f->pool, id_of(4), VIEW("OPTIONS sip:x SIP/2.0\r\n\r\n"));
	await(f, 4, 1);
	assert_int_equal(f->heard[4].last.step, TLS_FAILED);
	assert_int_not_equal(f->heard[4].last.refusal, TLS_REFUSAL_none);
}

static void a_dropped_one_is_not_answered_and_its_place_is_free(void **state)
{
	struct fixture *f = *state;
	const struct tls_params params = {.role = TLS_SERVER};
	const uint64_t next = UINT64_C(8) << 32 | 6;

	begin(f, 6, &params);
	pool_drop(f->pool, id_of(6));
	pool_step(f->pool, id_of(6), VIEW("OPTIONS"));
	assert_true(pool_begin(f->pool, next, tls_context_get(f->context), &params));
	pool_step(f->pool, next, VIEW("OPTIONS sip:x SIP/2.0\r\n\r\n"));
	await(f, 6, 1);
	assert_int_equal(f->heard[6].last.id, next);
	assert_int_equal(f->heard[6].n, 1);
}

// The peer's next record.
static void step(struct fixture *f, uint32_t i, struct peer *peer)
{
	struct view record = peer_record(peer);

	assert_int_not_equal(record.len, 0);
	pool_step(f->pool, id_of(i), record);
	peer_taken(peer, record.len);
}

static void begin_as_server(struct fixture *f, uint32_t i, struct peer *peer)
{
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &f->partner};
	const struct tls_params params = {.role = TLS_SERVER};

	peer_init(peer, &spec);
	peer_feed(peer, VIEW_NONE);
	begin(f, i, &params);
}

// All of one thread: multiples of N_THREADS. The first is between two of its steps, the second
// holds the thread, the others have begun behind that.
#define N_CROWD 5

static void crowd(struct fixture *f, struct peer peers[N_CROWD])
{
	begin_as_server(f, 0, &peers[0]);
	step(f, 0, &peers[0]);
	await(f, 0, 1);
	peer_feed(&peers[0], f->heard[0].last.output);
	gate_set(true);
	for (uint32_t i = 1; i < N_CROWD; i++) {
		begin_as_server(f, i * N_THREADS, &peers[i]);
		if (i == 1)
			gate_await();
		step(f, i * N_THREADS, &peers[i]);
	}
}

static void what_is_under_way_goes_before_what_begins(void **state)
{
	struct fixture *f = *state;
	static struct peer peers[N_CROWD];

	crowd(f, peers);
	step(f, 0, &peers[0]);
	gate_set(false);
	for (uint32_t i = 0; i < N_CROWD; i++)
		await(f, i * N_THREADS, i == 0 ? 2 : 1);
	for (uint32_t i = 1; i < N_CROWD; i++)
		assert_true(f->heard[0].order < f->heard[i * N_THREADS].order);
	for (uint32_t i = 0; i < N_CROWD; i++) {
		peer_feed(&peers[i], f->heard[i * N_THREADS].last.output);
		shake(f, i * N_THREADS, &peers[i]);
		assert_int_equal(f->heard[i * N_THREADS].last.step, TLS_DONE);
		peer_fini(&peers[i]);
	}
}

static void what_is_dropped_before_its_turn_is_not_done(void **state)
{
	struct fixture *f = *state;
	static struct peer peers[N_CROWD];

	crowd(f, peers);
	for (uint32_t i = 1; i < N_CROWD; i++)
		pool_drop(f->pool, id_of(i * N_THREADS));
	gate_set(false);
	shake(f, 0, &peers[0]);
	assert_int_equal(f->heard[0].last.step, TLS_DONE);
	for (uint32_t i = 0; i < N_CROWD; i++) {
		assert_int_equal(f->heard[i * N_THREADS].n > 0, i == 0);
		peer_fini(&peers[i]);
	}
}

static void a_pool_that_goes_takes_its_handshakes_with_it(void **state)
{
	struct fixture *f = *state;
	const struct tls_params params = {.role = TLS_CLIENT};

	for (uint32_t i = 0; i < N_MAX; i++)
		begin(f, i, &params);
	// teardown: what is under way, waits or was answered is freed.
}

static void a_pool_without_threads_is_none(void **state)
{
	struct pool_config config = {.n_threads = 0};

	(void)state;
	assert_null(pool_new(&config));
	assert_int_equal(errno, EINVAL);
	config.n_threads = POOL_THREADS_MAX + 1;
	assert_null(pool_new(&config));
}

static void a_card_has_the_name_of_its_content(void **state)
{
	struct card a, b;

	(void)state;
	card_init(&a, NULL, VIEW("CN=a"), VIEW_NONE, VIEW_NONE);
	b = a;
	assert_int_equal(pool_card_name(&a), pool_card_name(&b));
	b.trusted = 1;
	assert_int_not_equal(pool_card_name(&a), pool_card_name(&b));
	assert_int_not_equal(pool_card_name(&a), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_client_of_a_partner_becomes_known_by_its_card),
		CASE(as_a_client_it_speaks_first_and_knows_whom_it_wants),
		CASE(many_at_once_do_not_mix),
		CASE(one_that_cannot_begin_says_so_at_its_first_step),
		CASE(what_is_no_tls_is_refused_by_name),
		CASE(a_dropped_one_is_not_answered_and_its_place_is_free),
		CASE(what_is_under_way_goes_before_what_begins),
		CASE(what_is_dropped_before_its_turn_is_not_done),
		CASE(a_pool_that_goes_takes_its_handshakes_with_it),
		cmocka_unit_test(a_pool_without_threads_is_none),
		cmocka_unit_test(a_card_has_the_name_of_its_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
