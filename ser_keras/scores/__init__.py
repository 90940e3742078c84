"""From predictions to figures and how sure they are; NumPy, no TensorFlow."""
