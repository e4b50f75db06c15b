// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/options.h"
#include "tests/unit/test.h"

#define ARGUMENTS_MAX 64

// Reads a line of words; they live in buffer.
static enum options_result read_line(const char *line, struct options *out, struct errors *errors)
{
	static char buffer[1000];
	char *argv[ARGUMENTS_MAX + 1] = {buffer};
	int argc = 0;

	snprintf(buffer, sizeof(buffer), "fedload %s", line);
	for (char *word = strtok(buffer, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = word;
	}
	errors_init(errors, "fedload");
	return options_read(argc, argv, out, errors);
}

#define CALLEE "--callee --device net_tap0 --address 192.0.2.2/24 "
#define CALLER                                                                  \
	"--caller --device net_tap0 --address 192.0.2.2/24 --target 192.0.2.1 " \
	"--from-domain a.example --to-domain b.example "

static void a_caller_is_read_with_its_defaults(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(read_line(CALLER, &o, &errors), OPTIONS_RUN);
	assert_true(o.calls && !o.find_max && !o.json);
	assert_true(o.rate == 1000 && o.seconds == 10 && o.warm_up_seconds == 1);
	assert_int_equal(o.load.target.port, 5060);
	assert_int_equal(o.load.target.transport, TRANSPORT_UDP);
	assert_int_equal(o.load.n_conns, 1);
	assert_int_equal(o.map.port, 5060);
}

static void every_option_is_taken(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(
		read_line(CALLER
			"--transport tcp --connections 64 --rate 2e5 --find-max "
			"--precision 1 --allow-loss 5 --seconds 3 --warm-up 0.5 "
			"--mix federation --bytes 700 --users 12 --domains 9 --drain 30 --wait 7 "
			"--json --sleep "
			"--core 1 --port 5070 --vlan 7 --mtu 9000 --packets 20000 "
			"--gateway 192.0.2.254",
			&o, &errors),
		OPTIONS_RUN);
	assert_int_equal(o.load.target.transport, TRANSPORT_TCP);
	assert_int_equal(o.load.n_conns, 64);
	assert_true(o.find_max && o.json && o.sleep);
	assert_true(o.rate == 2e5 && o.seconds == 3 && o.warm_up_seconds == 0.5);
	assert_true(o.precision == 0.01 && o.allowed_ppm == 5);
	assert_int_equal(o.load.mix, MIX_FEDERATION);
	assert_int_equal(o.load.message_bytes, 700);
	assert_int_equal(o.load.n_users, 12);
	assert_int_equal(o.load.n_domains, 9);
	assert_true(o.drain_seconds == 30 && o.wait_seconds == 7);
	assert_int_equal(o.map.core, 1);
	assert_int_equal(o.map.port, 5070);
	assert_int_equal(o.map.vlan, 7);
	assert_int_equal(o.map.mtu, 9000);
	assert_int_equal(o.map.n_packets, 20000);
	assert_string_equal(o.map.gateway, "192.0.2.254");
}

static void a_callee_needs_no_target_and_has_no_end(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(
		read_line("--callee --device net_tap0 --address 2001:db8::2/64", &o, &errors),
		OPTIONS_RUN);
	assert_true(!o.calls && o.seconds == 0);
	assert_int_equal(o.load.target.transport, TRANSPORT_NONE);
}

static void every_mistake_is_refused_by_name(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"", "--caller and --callee"},
		{CALLER "--callee", "--caller and --callee"},
		{"--callee --address 192.0.2.2/24", "--device"},
		{"--callee --device net_tap0", "--address"},
		{"--caller --device d --address 1.2.3.4/24 --from-domain a --to-domain b",
			"--target is missing"},
		{CALLER "--target relay.example", "relay.example"},
		{CALLER "--target [2001:db8::1]:5060", "families"},
		{CALLER "--from-domain a.exa<mple", "a.exa<mple"},
		{CALLER "--rate 0", "--rate"},
		{CALLER "--rate 10x", "10x"},
		{CALLER "--rate nan", "nan"},
		{CALLER "--mix mess", "mess"},
		{CALLER "--bytes 100", "--bytes"},
		{CALLER "--connections 1.5", "whole"},
		{CALLER "--connections 65", "over UDP"},
		{CALLER "--connections 64 --port 65500", "65535"},
		{CALLER "--transport sctp", "sctp"},
		{CALLER "--loops 3", "--loops"},
		{CALLER "--rate", "--rate"},
		{CALLER "more", "more"},
		{"--callee --device d --address 1.2.3.4/24 --find-max", "--find-max"},
	};
	struct errors errors;
	struct options o;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_line(cases[i].line, &o, &errors), OPTIONS_WRONG);
		assert_true(errors.n > 0);
		if (strstr(errors.text[0], cases[i].says) == NULL)
			fail_msg("%s: says %s", cases[i].line, errors.text[0]);
	}
}

static void help_and_version_are_answered_whatever_else_is_wrong(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(read_line("--help", &o, &errors), OPTIONS_HELP);
	assert_int_equal(read_line("--version", &o, &errors), OPTIONS_VERSION);
}

static void an_address_that_no_port_can_have_is_refused(void **state)
{
	static struct core_map map;
	struct load_map_config config = {.device = "net_tap0",
		.address = "192.0.2.255/24",
		.port = 5060,
		.n_conns = 1,
		.transport = TRANSPORT_UDP};
	struct errors errors;

	(void)state;
	errors_init(&errors, "fedload");
	assert_true(load_map(&config, &map, &errors) < 0);
	assert_non_null(strstr(errors.text[0], "broadcast"));
	config.address = "192.0.2.2/24";
	config.device = "net_tap0\", addresses: [\"";
	errors_init(&errors, "fedload");
	assert_true(load_map(&config, &map, &errors) < 0);
	assert_int_equal(errors.n, 1);
}

static void udp_has_as_many_listeners_as_connections_and_tcp_has_one(void **state)
{
	static struct core_map map;
	struct load_map_config config = {.device = "net_tap0",
		.address = "192.0.2.2/24",
		.port = 5060,
		.n_conns = 64,
		.transport = TRANSPORT_UDP};
	struct errors errors;

	(void)state;
	errors_init(&errors, "fedload");
	assert_int_equal(load_map(&config, &map, &errors), 0);
	assert_int_equal(map.n_listeners, 64);
	assert_int_equal(map.listeners[63].local.port, 5123);
	assert_int_equal(map.tcp.n_conns, 0);
	config.transport = TRANSPORT_TCP;
	config.n_conns = 10000;
	assert_int_equal(load_map(&config, &map, &errors), 0);
	assert_int_equal(map.n_listeners, 1);
	assert_in_range(map.tcp.n_conns, 10000, 20000);
}

#define SECURE CALLER "--transport tls --certificates /tmp/c "

static void over_tls_there_is_a_connection_a_partner(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(read_line(SECURE, &o, &errors), OPTIONS_RUN);
	assert_int_equal(o.load.target.transport, TRANSPORT_TLS);
	assert_int_equal(o.load.target.port, 5061);
	assert_int_equal(o.map.port, 5061);
	assert_int_equal(o.load.n_conns, 1);
	assert_int_equal(o.identities.n_partners, 1);
	assert_string_equal(o.identities.domain, "a.example");
	assert_string_equal(o.load.peer_name, "b.example");
	assert_int_equal(read_line(SECURE "--partners 10000", &o, &errors), OPTIONS_RUN);
	assert_int_equal(o.load.n_conns, 10000);
	assert_int_equal(
		read_line(SECURE "--partners 10 --connections 20", &o, &errors), OPTIONS_RUN);
	assert_int_equal(o.load.n_conns, 20);
}

static void every_option_of_tls_is_taken(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(read_line(SECURE "--trust roots.pem --peer-name relay.example --tls13 "
					  "--storm-every 2 --reconnects 5 --key-updates 7",
				 &o, &errors),
		OPTIONS_RUN);
	assert_string_equal(o.identities.folder, "/tmp/c");
	assert_string_equal(o.identities.trust, "roots.pem");
	assert_string_equal(o.load.peer_name, "relay.example");
	assert_int_equal(o.identities.version_min, RECORD_TLS13);
	assert_true(o.load.unrest.storms == 0.5 && o.load.unrest.reconnects == 5);
	assert_true(o.load.unrest.key_updates == 7);
}

static void a_callee_over_tls_is_of_the_domain_that_is_called(void **state)
{
	struct errors errors;
	struct options o;

	(void)state;
	assert_int_equal(read_line("--callee --device net_tap0 --address 192.0.2.2/24 --transport "
				   "tls --certificates c --to-domain b.example",
				 &o, &errors),
		OPTIONS_RUN);
	assert_string_equal(o.identities.domain, "b.example");
	assert_null(o.load.peer_name);
}

static void what_does_not_go_with_tls_is_said(void **state)
{
	static const char *const lines[] = {
		CALLER "--transport tls",
		CALLER "--transport tcp --certificates c",
		CALLER "--partners 4",
		SECURE "--domains 4",
		SECURE "--partners 4 --connections 3",
		CALLEE "--transport tls --certificates c",
	};
	struct errors errors;
	struct options o;

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(read_line(lines[i], &o, &errors), OPTIONS_WRONG);
		assert_int_equal(errors.n, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_is_read_with_its_defaults),
		cmocka_unit_test(every_option_is_taken),
		cmocka_unit_test(a_callee_needs_no_target_and_has_no_end),
		cmocka_unit_test(every_mistake_is_refused_by_name),
		cmocka_unit_test(help_and_version_are_answered_whatever_else_is_wrong),
		cmocka_unit_test(an_address_that_no_port_can_have_is_refused),
		cmocka_unit_test(udp_has_as_many_listeners_as_connections_and_tcp_has_one),
		cmocka_unit_test(over_tls_there_is_a_connection_a_partner),
		cmocka_unit_test(every_option_of_tls_is_taken),
		cmocka_unit_test(a_callee_over_tls_is_of_the_domain_that_is_called),
		cmocka_unit_test(what_does_not_go_with_tls_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
