"""How the shipped detector was trained: rendered people in made-up and real places."""
