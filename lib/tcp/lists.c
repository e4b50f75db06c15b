// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

static uint16_t list_flag(enum tcp_list_name name)
{
	return (uint16_t)(TCP_CONN_IN_OUTPUT << name);
}

void tcp_list_add(struct tcp *t, enum tcp_list_name name, struct tcp_conn *c)
{
	struct tcp_list *list = &t->lists[name];
	uint32_t link = tcp_conn_link(t, c);

	if ((c->flags & list_flag(name)) != 0)
		return;
	c->flags |= list_flag(name);
	c->links[name] = (struct tcp_link){.prev = list->last};
	if (list->last == 0)
		list->first = link;
	else
		tcp_conn_at_link(t, list->last)->links[name].next = link;
	list->last = link;
}

void tcp_list_del(struct tcp *t, enum tcp_list_name name, struct tcp_conn *c)
{
	struct tcp_list *list = &t->lists[name];
	struct tcp_link link = c->links[name];

	if ((c->flags & list_flag(name)) == 0)
		return;
	c->flags &= (uint16_t)~list_flag(name);
	if (link.prev == 0)
		list->first = link.next;
	else
		tcp_conn_at_link(t, link.prev)->links[name].next = link.next;
	if (link.next == 0)
		list->last = link.prev;
	else
		tcp_conn_at_link(t, link.next)->links[name].prev = link.prev;
}

struct tcp_conn *tcp_list_pop(struct tcp *t, enum tcp_list_name name)
{
	struct tcp_conn *c;

	if (t->lists[name].first == 0)
		return NULL;
	c = tcp_conn_at_link(t, t->lists[name].first);
	tcp_list_del(t, name, c);
	return c;
}
