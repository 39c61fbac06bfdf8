"""What older versions of Keras wrote otherwise, said in the words of today."""
