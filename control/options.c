// SPDX-License-Identifier: BSD-3-Clause

#include "control/options.h"

#include "control/api/api.h"
#include "control/api/frame.h"

#include "lib/base/addr.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DATAPLANE_DEFAULT    "/run/fedrelay/dataplane.sock"
#define STATE_DEFAULT        "/var/lib/fedrelay"
#define CERTIFICATES_DEFAULT "/etc/fedrelay/certificates"

// Of one source, as many as a partner has relays that restart together; in all, less than two cores
// can make.
#define HANDSHAKES_SOURCE_DEFAULT 50
#define HANDSHAKES_ALL_DEFAULT    5000
#define HANDSHAKES_MAX            1000000

enum {
	EXIT_USAGE = 2,
};

static const char help[] =
	"usage: fedrelay-control [OPTION]…\n"
	"\n"
	"Compiles and publishes the federation document, keeps its revisions, answers fedctl.\n"
	"\n"
	"  --dataplane PATH    the dataplane's socket (" DATAPLANE_DEFAULT ")\n"
	"  --socket PATH       where fedctl finds control (" FRAME_SOCKET_DEFAULT ")\n"
	"  --state DIR         revisions, images, the relay's key (" STATE_DEFAULT ")\n"
	"  --certificates DIR  the certificates, keys, roots and CRLs that documents name\n"
	"                      (" CERTIFICATES_DEFAULT ")\n"
	"  --user NAME         become this user; needed when started as root\n"
	"  --publishers GROUP  who may publish besides root and control's own user\n"
	"  --handshakes-source N, --handshakes-all N\n"
	"                      how many TLS handshakes one source, and all together, may\n"
	"                      begin each second (50, 5000); 0: as many as they like\n"
	"  --dns ADDRESS[@PORT]\n"
	"                      a DNS server to ask, up to four (those of /etc/resolv.conf)\n"
	"  --dns-anchor FILE   DNSSEC trust anchors: validate (not)\n"
	"  --sips-first        look for _sips._tcp before _sipfederationtls._tcp\n"
	"  --insecure-root     stay root: for tests only\n"
	"  --version           print the version\n"
	"  --help              print this\n"
	"\n"
	"SIGHUP: looks for renewed certificates and CRLs now; it does so every ten seconds.\n";

static int refuse(int *exit_code, const char *what, const char *value)
{
	fprintf(stderr, "fedrelay-control: %s%s; `fedrelay-control --help` shows how\n", what,
		value);
	*exit_code = EXIT_USAGE;
	return -EINVAL;
}

static int find_user(struct options *o, int *exit_code)
{
	const struct passwd *pw;

	o->uid = geteuid();
	o->gid = getegid();
	if (o->user == NULL) {
		if (o->uid == 0 && !o->insecure_root)
			return refuse(exit_code,
				"control does not run as root: --user names whom to become", "");
		return 0;
	}
	pw = getpwnam(o->user);
	if (pw == NULL)
		return refuse(exit_code, "no such user: ", o->user);
	if (pw->pw_uid == 0)
		return refuse(exit_code, "--user must not be root", "");
	if (o->uid != 0 && o->uid != pw->pw_uid)
		return refuse(exit_code, "only root can become ", o->user);
	o->uid = pw->pw_uid;
	o->gid = pw->pw_gid;
	return 0;
}

static int find_group(struct options *o, const char *name, int *exit_code)
{
	const struct group *group = getgrnam(name);

	if (group == NULL)
		return refuse(exit_code, "no such group: ", name);
	o->publishers = group->gr_gid;
	return 0;
}

static int take_number(uint32_t *out, const char *text, int *exit_code)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > HANDSHAKES_MAX)
		return refuse(exit_code, "not a number of handshakes: ", text);
	*out = (uint32_t)value;
	return 0;
}

// ADDRESS or ADDRESS@PORT, as libunbound has it.
static int take_dns(struct options *o, const char *text, int *exit_code)
{
	const char *at = strchrnul(text, '@');
	struct ip_addr ip;
	char *end;

	if (o->n_dns == OPTIONS_DNS_MAX)
		return refuse(exit_code, "one DNS server too many: ", text);
	if (ip_parse(view_of(text, (size_t)(at - text)), &ip) < 0 ||
		(*at == '@' &&
			(strtoul(at + 1, &end, 10) - 1 >= UINT16_MAX || *end != '\0' ||
				at[1] == '-')))
		return refuse(exit_code, "not the address of a DNS server: ", text);
	o->dns[o->n_dns++] = text;
	return 0;
}

// One that has a value. 0 or -EINVAL.
static int take(struct options *o, int option, int *exit_code)
{
	switch (option) {
	case 'd':
		o->dataplane = optarg;
		return 0;
	case 's':
		o->socket = optarg;
		return 0;
	case 'S':
		o->state = optarg;
		return 0;
	case 'c':
		o->certificates = optarg;
		return 0;
	case 'u':
		o->user = optarg;
		return 0;
	case 'H':
		return take_number(&o->handshakes_source, optarg, exit_code);
	case 'A':
		return take_number(&o->handshakes_all, optarg, exit_code);
	case 'n':
		return take_dns(o, optarg, exit_code);
	case 'a':
		o->dns_anchor = optarg;
		return 0;
	default:
		return find_group(o, optarg, exit_code);
	}
}

static const struct option rows[] = {
	{"dataplane", required_argument, NULL, 'd'},
	{"socket", required_argument, NULL, 's'},
	{"state", required_argument, NULL, 'S'},
	{"certificates", required_argument, NULL, 'c'},
	{"user", required_argument, NULL, 'u'},
	{"publishers", required_argument, NULL, 'p'},
	{"handshakes-source", required_argument, NULL, 'H'},
	{"handshakes-all", required_argument, NULL, 'A'},
	{"dns", required_argument, NULL, 'n'},
	{"dns-anchor", required_argument, NULL, 'a'},
	{"sips-first", no_argument, NULL, 'f'},
	{"insecure-root", no_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

int options_parse(struct options *o, int argc, char *argv[], int *exit_code)
{
	int option;

	*o = (struct options){
		.dataplane = DATAPLANE_DEFAULT,
		.socket = FRAME_SOCKET_DEFAULT,
		.state = STATE_DEFAULT,
		.certificates = CERTIFICATES_DEFAULT,
		.publishers = API_NO_GROUP,
		.handshakes_source = HANDSHAKES_SOURCE_DEFAULT,
		.handshakes_all = HANDSHAKES_ALL_DEFAULT,
	};
	*exit_code = 0;
	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		switch (option) {
		case 'd':
		case 's':
		case 'S':
		case 'c':
		case 'u':
		case 'p':
		case 'H':
		case 'A':
		case 'n':
		case 'a':
			if (take(o, option, exit_code) < 0)
				return -EINVAL;
			break;
		case 'f':
			o->sips_first = true;
			break;
		case 'r':
			o->insecure_root = true;
			break;
		case 'v':
			puts("fedrelay-control " FEDRELAY_VERSION);
			return -ECANCELED;
		case 'h':
			fputs(help, stdout);
			return -ECANCELED;
		default: // getopt has said what is wrong
			*exit_code = EXIT_USAGE;
			return -EINVAL;
		}
	}
	if (optind < argc)
		return refuse(exit_code, "not an option: ", argv[optind]);
	return find_user(o, exit_code);
}
