"""How much memory a worker takes: under a backlog, with a slow Redis, with more customers than it can cache."""
