import * as tf from "@tensorflow/tfjs";

// TensorFlow.js otherwise greets every Node process with advice on standard error.
tf.enableProdMode();

export { tf };
