// SPDX-License-Identifier: BSD-3-Clause

#include "control/options.h"

#include "control/api/api.h"
#include "control/api/frame.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define DATAPLANE_DEFAULT    "/run/fedrelay/dataplane.sock"
#define STATE_DEFAULT        "/var/lib/fedrelay"
#define CERTIFICATES_DEFAULT "/etc/fedrelay/certificates"

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
	"  --insecure-root     stay root: for tests only\n"
	"  --version           print the version\n"
	"  --help              print this\n";

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

int options_parse(struct options *o, int argc, char *argv[], int *exit_code)
{
	static const struct option rows[] = {
		{"dataplane", required_argument, NULL, 'd'},
		{"socket", required_argument, NULL, 's'},
		{"state", required_argument, NULL, 'S'},
		{"certificates", required_argument, NULL, 'c'},
		{"user", required_argument, NULL, 'u'},
		{"publishers", required_argument, NULL, 'p'},
		{"insecure-root", no_argument, NULL, 'r'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	*o = (struct options){
		.dataplane = DATAPLANE_DEFAULT,
		.socket = FRAME_SOCKET_DEFAULT,
		.state = STATE_DEFAULT,
		.certificates = CERTIFICATES_DEFAULT,
		.publishers = API_NO_GROUP,
	};
	*exit_code = 0;
	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		switch (option) {
		case 'd':
			o->dataplane = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'S':
			o->state = optarg;
			break;
		case 'c':
			o->certificates = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'p':
			if (find_group(o, optarg, exit_code) < 0)
				return -EINVAL;
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
