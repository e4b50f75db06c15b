// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with libipsec-mb from its start on: no system call, no allocation.

#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct ends {
	struct record_crypto *crypto;
	struct record_session client, server;
	struct record_secrets client_secrets, server_secrets;
	uint8_t sealed[PAIR_ROOM], text[RECORD_OPEN_BYTES];
};

static void carry(struct ends *e, size_t n_text)
{
	struct view text[2] = {{e->text, n_text / 2}, {e->text + n_text / 2, n_text - n_text / 2}};
	static uint8_t out[RECORD_OPEN_BYTES];
	size_t n = record_seal(&e->client, e->crypto, text, 2, e->sealed);
	struct record_opened opened;

	for (size_t at = 0; at < n;) {
		size_t n_record = record_length(&e->server, view_of(e->sealed + at, n - at));
		struct view parts[2] = {{e->sealed + at, 7}, {e->sealed + at + 7, n_record - 7}};

		record_open(&e->server, e->crypto, parts, 2, out, &opened);
		if (opened.kind != RECORD_TEXT && opened.kind != RECORD_DIGESTED)
			abort();
		at += n_record;
	}
}

// A whole session of each kind, with KeyUpdates.
static void live(struct ends *e, unsigned kind)
{
	pair_secrets(&e->client_secrets, &e->server_secrets, pair_kinds[kind], 4);
	if (record_session_begin(&e->client, e->crypto, &e->client_secrets, RECORD_OPENED) != 0 ||
		record_session_begin(&e->server, e->crypto, &e->server_secrets, RECORD_ACCEPTED) !=
			0)
		abort();
	for (size_t n = 1; n < RECORD_TEXT_BYTES_MAX; n = 2 * n + 1)
		carry(e, n);
	(void)record_close(&e->client, e->crypto, e->sealed);
	(void)record_fail(&e->server, e->crypto, RECORD_ALERT_internal_error, e->sealed);
	record_session_end(&e->client, e->crypto);
	record_session_end(&e->server, e->crypto);
}

static void live_all(struct ends *e)
{
	for (unsigned kind = 0; kind < PAIR_KINDS; kind++)
		live(e, kind);
}

static struct ends *ends_new(void)
{
	struct ends *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->crypto = pair_crypto(RECORD_PROVIDER_IPSEC_MB, 10);
	// What a first time costs, such as binding of symbols, is not of a worker's time.
	live_all(e);
	return e;
}

static void ends_free(struct ends *e)
{
	record_crypto_free(e->crypto);
	free(e);
}

static void a_session_asks_the_kernel_for_nothing(void **state)
{
	struct ends *e = ends_new();
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		// From here on read, write, exit and sigreturn, or death.
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(3);
		live_all(e);
		(void)syscall(SYS_exit, 7);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	ends_free(e);
}

// Where the build has a sanitizer's allocator, this is how to see what it does.
int __sanitizer_install_malloc_and_free_hooks(void (*allocates)(const volatile void *at, size_t n),
	void (*frees)(const volatile void *at)) __attribute__((weak));

static unsigned n_allocations;

static void allocates(const volatile void *at, size_t n)
{
	(void)at;
	(void)n;
	n_allocations++;
}

static void frees(const volatile void *at)
{
	(void)at;
}

static void a_session_allocates_nothing(void **state)
{
	struct ends *e = ends_new();
	size_t n_bytes;

	(void)state;
	if (__sanitizer_install_malloc_and_free_hooks != NULL)
		assert_true(__sanitizer_install_malloc_and_free_hooks(allocates, frees) > 0);
	n_allocations = 0;
	n_bytes = mallinfo2().uordblks;
	live_all(e);
	assert_int_equal(n_allocations, 0);
	assert_int_equal(mallinfo2().uordblks, n_bytes);
	ends_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_asks_the_kernel_for_nothing),
		cmocka_unit_test(a_session_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
