/* SPDX-License-Identifier: MIT */
/* The steps of README.md with hiredis, which speaks RESP2 and sends nothing by itself. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext* context;

static void print_value(const redisReply* reply) {
  switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      putchar('x');
      for (size_t i = 0; i < (size_t)reply->len; i++) printf("%02x", (unsigned char)reply->str[i]);
      break;
    case REDIS_REPLY_INTEGER:
      printf("%lld", reply->integer);
      break;
    case REDIS_REPLY_NIL:
      fputs("nil", stdout);
      break;
    case REDIS_REPLY_ERROR:
      printf("error %s", reply->str);
      break;
    case REDIS_REPLY_ARRAY:
      for (size_t i = 0; i < reply->elements; i++) {
        if (i > 0) putchar(',');
        print_value(reply->element[i]);
      }
      break;
    default:
      printf("a reply of type %d", reply->type);
  }
}

static void print_step(const char* step, redisReply* reply) {
  if (reply == NULL) {
    fprintf(stderr, "%s: %s\n", step, context->errstr);
    exit(1);
  }
  printf("%s ", step);
  print_value(reply);
  putchar('\n');
  fflush(stdout);
  freeReplyObject(reply);
}

int main(int argc, char** argv) {
  const char* keys[] = {"hit",    "hoge",   "miss", "nothing", "utf8",  "schlüssel",
                        "binary", "binary", "mib",  "mib",     "16mib", "16mib"};
  char line[16];
  if (argc != 3) return 2;
  context = redisConnect(argv[1], atoi(argv[2]));
  if (context == NULL || context->err) {
    fprintf(stderr, "cannot connect: %s\n", context ? context->errstr : "no memory");
    return 1;
  }
  printf("version %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i += 2)
    print_step(keys[i], redisCommand(context, "GET %s", keys[i + 1]));
  print_step("many", redisCommand(context, "MGET hoge nothing schlüssel"));
  print_step("hash", redisCommand(context, "HGETALL user"));
  print_step("write", redisCommand(context, "SET hoge %b", "a\r\nb", (size_t)4));
  for (int i = 0; i < 3; i++) redisAppendCommand(context, i == 1 ? "GET nothing" : "GET hoge");
  for (int i = 0; i < 3; i++) {
    void* reply = NULL;
    if (redisGetReply(context, &reply) != REDIS_OK) reply = NULL;
    print_step("pipeline", reply);
  }
  print_step("before", redisCommand(context, "GET marker"));
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  print_step("after", redisCommand(context, "GET marker"));
  redisFree(context);
  return 0;
}
