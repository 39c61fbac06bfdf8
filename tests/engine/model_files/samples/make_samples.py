"""How the samples were made: TensorFlow 2.15.1 with its own Keras 2.15.0, in an environment apart from this project."""

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers

keras.utils.set_random_seed(5)
model = keras.Sequential(
    [
        layers.Flatten(name="flatten", input_shape=(4, 4)),
        layers.BatchNormalization(name="bn_1"),
        layers.Dense(
            6,
            name="dense_1",
            activation="swish",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.l2(0.01),
            kernel_constraint=keras.constraints.max_norm(1.0),
        ),
        layers.PReLU(name="pr"),
        layers.LeakyReLU(alpha=0.2, name="leak"),
        layers.ReLU(name="re"),
        layers.Dropout(0.2, name="drop"),
        layers.AlphaDropout(0.1, name="ad"),
        layers.GaussianDropout(0.1, name="gd"),
        layers.GaussianNoise(0.1, name="gn"),
        layers.Dense(
            4,
            name="dense_2",
            kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform"),
            kernel_regularizer=keras.regularizers.l1_l2(0.01, 0.02),
        ),
        layers.ELU(alpha=0.5, name="el"),
        layers.Dense(3, name="output", activation="softmax"),
    ]
)
model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.random.rand(16, 4, 4).astype("f4"), np.arange(16) % 3
model.fit(x, y, epochs=2, verbose=0)
model.save("keras_2_15.h5")
model.save("keras_2_15.keras")
model.save_weights("keras_2_15.weights.h5")
model.save_weights("keras_2_15_legacy_weights.h5")
np.savez("keras_2_15_answers.npz", x=x, y=model.predict(x, verbose=0))
