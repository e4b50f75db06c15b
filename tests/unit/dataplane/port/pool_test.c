// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/port/pool.h"

#include <rte_eal.h>
#include <unistd.h>

#define N_PACKETS 4096

static struct pools pools;

static int set_up(void **state)
{
	char prefix[64];
	char *args[] = {"test", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m",
		"256", "--log-level=3", "--lcores=0@0", prefix};

	(void)state;
	snprintf(prefix, sizeof(prefix), "--file-prefix=pool%d", (int)getpid());
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) < 0 ||
		pools_open(&pools, 0, SOCKET_ID_ANY, N_PACKETS) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	pools_close(&pools);
	return 0;
}

static uint32_t weight_of(struct rte_mbuf *buffer)
{
	uint32_t weight;

	assert_non_null(buffer);
	weight = pools_weight(&pools, buffer);
	rte_pktmbuf_free(buffer);
	return weight;
}

static void a_buffer_weighs_what_its_pool_has_less_of(void **state)
{
	(void)state;
	assert_int_equal(weight_of(pools_get(&pools, POOL_SMALL_BYTES)), 1);
	assert_int_equal(weight_of(pools_get(&pools, POOL_SMALL_BYTES + 1)), 8);
	assert_int_equal(weight_of(pools_get(&pools, POOL_LARGE_BYTES + 1)), N_PACKETS / 32);
	assert_int_equal(weight_of(pools_get_reserve(&pools, 100)), 1);
	assert_null(pools_get(&pools, POOL_HUGE_BYTES + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_weighs_what_its_pool_has_less_of),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
