"""The programs that the product is compared with, each as its own documentation would have it."""
