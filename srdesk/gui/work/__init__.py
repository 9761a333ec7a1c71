"""What the desk does: the open picture, requests, and the threads that answer them."""
