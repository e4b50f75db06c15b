// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/options_state.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#define RATE_MAX    1e8
#define SECONDS_MAX 86400
#define CONNS_MAX   1000000

const char options_usage[] =
	"usage: fedload --caller --device DEV --address A/BITS --target ADDRESS:PORT\n"
	"               --from-domain NAME --to-domain NAME [option ...]\n"
	"       fedload --callee --device DEV --address A/BITS [option ...]\n"
	"\n"
	"  --device DEV         PCI address, or vdev such as net_tap0,iface=fl0\n"
	"  --address A/BITS     of this port\n"
	"  --gateway A          for targets beyond its network\n"
	"  --vlan N, --mtu N    default: untagged, 1500\n"
	"  --port N             the first of ours (5060; of TLS 5061)\n"
	"  --core N             where it runs (0)\n"
	"  --packets N          buffers\n"
	"  --sleep              when there is nothing to do: for shared cores\n"
	"  --transport udp|tcp|tls   default: udp\n"
	"  --connections N      of TCP and TLS (a partner each); with udp as many ports of ours "
	"(1)\n"
	"  --seconds N          measured time of a trial (10); of a callee: until it is stopped\n"
	"  --json               one object a line\n"
	"Over TLS, by certificates that fedload issues when it starts\n"
	"  --certificates DIR   of the CA that does: ca.pem, ca.key; made where there are none\n"
	"  --trust FILE         roots that vouch for the peer (ca.pem)\n"
	"  --peer-name NAME     that its certificate must prove (--to-domain; of a callee: any)\n"
	"  --partners N         with a certificate each: d00000.NAME, d00001.NAME, ... (1: NAME);\n"
	"                       NAME is a caller's --from-domain, a callee's --to-domain\n"
	"  --tls13              nothing older\n"
	"A caller also takes\n"
	"  --target A[:PORT]    an address, not a name\n"
	"  --rate N             requests a second (1000)\n"
	"  --find-max           from there on, find the highest rate without loss (RFC 2544)\n"
	"  --precision P        of that, in percent (2)\n"
	"  --allow-loss PPM     pass with so many requests in a million lost (0)\n"
	"  --warm-up N          seconds of each trial that do not count (1)\n"
	"  --drain N            seconds that the last answers are waited for (2)\n"
	"  --wait N             seconds that the first one and all connections are (30)\n"
	"  --mix message|ims|federation   what is sent (message)\n"
	"  --bytes N            of a MESSAGE, head and all (512)\n"
	"  --users N            of each domain (90000)\n"
	"  --domains N          senders are of so many: d00000.NAME, d00001.NAME, ... (NAME "
	"itself)\n"
	"  --storm-every N      seconds: all connections are reset, and come back\n"
	"  --reconnects N       a second, of connections at random\n"
	"  --key-updates N      a second, likewise; TLS 1.3\n"
	"Exit status: 0; 1 failed, or requests were lost or answered wrongly; 2 usage.\n";

enum option_id {
	CALLER = 1,
	CALLEE,
	DEVICE,
	ADDRESS,
	GATEWAY,
	VLAN,
	MTU,
	PORT,
	CORE,
	PACKETS,
	SLEEP,
	TRANSPORT,
	CONNECTIONS,
	SECONDS,
	JSON,
	TARGET,
	RATE,
	FIND_MAX,
	PRECISION,
	ALLOW_LOSS,
	WARM_UP,
	DRAIN,
	WAIT_FOR,
	MIX,
	BYTES,
	USERS,
	DOMAINS,
	FROM_DOMAIN,
	TO_DOMAIN,
	CERTIFICATES,
	TRUST,
	PEER_NAME,
	PARTNERS,
	TLS13,
	STORM_EVERY,
	RECONNECTS,
	KEY_UPDATES,
	HELP,
	VERSION,
};

static const struct option long_options[] = {
	{"caller", no_argument, NULL, CALLER},
	{"callee", no_argument, NULL, CALLEE},
	{"device", required_argument, NULL, DEVICE},
	{"address", required_argument, NULL, ADDRESS},
	{"gateway", required_argument, NULL, GATEWAY},
	{"vlan", required_argument, NULL, VLAN},
	{"mtu", required_argument, NULL, MTU},
	{"port", required_argument, NULL, PORT},
	{"core", required_argument, NULL, CORE},
	{"packets", required_argument, NULL, PACKETS},
	{"sleep", no_argument, NULL, SLEEP},
	{"transport", required_argument, NULL, TRANSPORT},
	{"connections", required_argument, NULL, CONNECTIONS},
	{"seconds", required_argument, NULL, SECONDS},
	{"json", no_argument, NULL, JSON},
	{"target", required_argument, NULL, TARGET},
	{"rate", required_argument, NULL, RATE},
	{"find-max", no_argument, NULL, FIND_MAX},
	{"precision", required_argument, NULL, PRECISION},
	{"allow-loss", required_argument, NULL, ALLOW_LOSS},
	{"warm-up", required_argument, NULL, WARM_UP},
	{"drain", required_argument, NULL, DRAIN},
	{"wait", required_argument, NULL, WAIT_FOR},
	{"mix", required_argument, NULL, MIX},
	{"bytes", required_argument, NULL, BYTES},
	{"users", required_argument, NULL, USERS},
	{"domains", required_argument, NULL, DOMAINS},
	{"from-domain", required_argument, NULL, FROM_DOMAIN},
	{"to-domain", required_argument, NULL, TO_DOMAIN},
	{"certificates", required_argument, NULL, CERTIFICATES},
	{"trust", required_argument, NULL, TRUST},
	{"peer-name", required_argument, NULL, PEER_NAME},
	{"partners", required_argument, NULL, PARTNERS},
	{"tls13", no_argument, NULL, TLS13},
	{"storm-every", required_argument, NULL, STORM_EVERY},
	{"reconnects", required_argument, NULL, RECONNECTS},
	{"key-updates", required_argument, NULL, KEY_UPDATES},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, VERSION},
	{NULL},
};

// A number of the option in its range; says so where it is not one.
static double read_number(
	struct options_reader *r, const char *name, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end != text && *end == '\0' && value >= least && value <= most)
		return value;
	errors_add(r->errors, 0, "--%s: %s is not right; expected %.15g to %.15g", name, text,
		least, most);
	return least;
}

static unsigned read_count(
	struct options_reader *r, const char *name, const char *text, unsigned least, unsigned most)
{
	double value = read_number(r, name, text, least, most);

	if (value != floor(value))
		errors_add(r->errors, 0, "--%s: %s is not a whole number", name, text);
	return (unsigned)value;
}

static void read_transport(struct options_reader *r, const char *text)
{
	static const enum transport known[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(text, transport_name(known[i])) == 0) {
			r->out->map.transport = known[i];
			return;
		}
	}
	errors_add(r->errors, 0, "--transport: %s is not right; expected udp, tcp or tls", text);
}

// The port's and the device's part. False for an option that is none of it.
static bool read_port_option(struct options_reader *r, int id, const char *name, const char *text)
{
	struct load_map_config *map = &r->out->map;

	switch (id) {
	case DEVICE:
		map->device = text;
		return true;
	case ADDRESS:
		map->address = text;
		return true;
	case GATEWAY:
		map->gateway = text;
		return true;
	case VLAN:
		map->vlan = (uint16_t)read_count(r, name, text, 1, 4094);
		return true;
	case MTU:
		map->mtu = (uint16_t)read_count(r, name, text, 1280, 9000);
		return true;
	case PORT:
		map->port = (uint16_t)read_count(r, name, text, 1, 65535);
		return true;
	case CORE:
		map->core = read_count(r, name, text, 0, 1023);
		return true;
	case PACKETS:
		map->n_packets = read_count(r, name, text, 1024, 4 << 20);
		return true;
	case CONNECTIONS:
		map->n_conns = read_count(r, name, text, 1, CONNS_MAX);
		return true;
	case TRANSPORT:
		read_transport(r, text);
		return true;
	default:
		return false;
	}
}

static bool read_traffic_option(
	struct options_reader *r, int id, const char *name, const char *text)
{
	struct options *out = r->out;

	switch (id) {
	case SECONDS:
		out->seconds = read_number(r, name, text, 0.1, SECONDS_MAX);
		return true;
	case WARM_UP:
		out->warm_up_seconds = read_number(r, name, text, 0, SECONDS_MAX);
		return true;
	case DRAIN:
		out->drain_seconds = read_number(r, name, text, 0, SECONDS_MAX);
		return true;
	case WAIT_FOR:
		out->wait_seconds = read_number(r, name, text, 0, SECONDS_MAX);
		return true;
	case RATE:
		out->rate = read_number(r, name, text, 1, RATE_MAX);
		return true;
	case PRECISION:
		out->precision = read_number(r, name, text, 0.1, 50) / 100;
		return true;
	case ALLOW_LOSS:
		out->allowed_ppm = read_number(r, name, text, 0, 1e6);
		return true;
	case BYTES:
		out->load.message_bytes =
			read_count(r, name, text, REQUEST_MESSAGE_MIN, REQUEST_MESSAGE_MAX);
		return true;
	case USERS:
		out->load.n_users = read_count(r, name, text, 1, REQUEST_USERS_MAX);
		return true;
	case DOMAINS:
		out->load.n_domains = read_count(r, name, text, 1, REQUEST_DOMAINS_MAX);
		return true;
	case MIX:
		if (mix_find(text, &out->load.mix) < 0)
			errors_add(r->errors, 0,
				"--mix: %s is not right; expected message, ims or federation",
				text);
		return true;
	default:
		return false;
	}
}

// Of TLS, and of what troubles connections.
static bool read_secure_option(struct options_reader *r, int id, const char *name, const char *text)
{
	struct options *out = r->out;

	switch (id) {
	case CERTIFICATES:
		out->identities.folder = text;
		return true;
	case TRUST:
		out->identities.trust = text;
		return true;
	case PEER_NAME:
		out->load.peer_name = text;
		return true;
	case PARTNERS:
		out->identities.n_partners = read_count(r, name, text, 1, REQUEST_DOMAINS_MAX);
		return true;
	case TLS13:
		out->identities.version_min = RECORD_TLS13;
		return true;
	case STORM_EVERY:
		out->load.unrest.storms = 1 / read_number(r, name, text, 0.001, SECONDS_MAX);
		return true;
	case RECONNECTS:
		out->load.unrest.reconnects = read_number(r, name, text, 0, RATE_MAX);
		return true;
	case KEY_UPDATES:
		out->load.unrest.key_updates = read_number(r, name, text, 0, RATE_MAX);
		return true;
	default:
		return false;
	}
}

static void read_word_option(struct options_reader *r, int id, const char *text)
{
	struct options *out = r->out;

	switch (id) {
	case CALLER:
		out->calls = true;
		break;
	case CALLEE:
		r->is_callee = true;
		break;
	case SLEEP:
		out->sleep = true;
		break;
	case JSON:
		out->json = true;
		break;
	case FIND_MAX:
		out->find_max = true;
		break;
	case TARGET:
		r->target = text;
		break;
	case FROM_DOMAIN:
		out->load.from_domain = text;
		break;
	default:
		out->load.to_domain = text;
	}
}

enum options_result options_read(int argc, char **argv, struct options *out, struct errors *errors)
{
	struct options_reader r = {.out = out, .errors = errors};
	int id, at = -1;

	*out = (struct options){
		.map = {.transport = TRANSPORT_UDP},
		.rate = 1000,
		.warm_up_seconds = 1,
		.drain_seconds = 2,
		.wait_seconds = 30,
		.precision = 0.02,
	};
	optind = 0; // from the start, whoever has used getopt before
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", long_options, &at)) != -1) {
		const char *name = at >= 0 ? long_options[at].name : "";

		if (id == HELP || id == VERSION)
			return id == HELP ? OPTIONS_HELP : OPTIONS_VERSION;
		if (id == '?' || id == ':')
			errors_add(errors, 0, "%s: %s", argv[optind - 1],
				id == '?' ? "there is no such option" : "its value is missing");
		else if (!read_port_option(&r, id, name, optarg) &&
			!read_traffic_option(&r, id, name, optarg) &&
			!read_secure_option(&r, id, name, optarg))
			read_word_option(&r, id, optarg);
		at = -1;
	}
	if (optind < argc)
		errors_add(errors, 0, "%s is not an option", argv[optind]);
	options_check(&r);
	if (out->calls && out->seconds == 0)
		out->seconds = 10;
	return errors->n == 0 ? OPTIONS_RUN : OPTIONS_WRONG;
}
