/** What the API takes and answers. Written from openapi.yaml by `npm run openapi`; not to be edited. */

/**
 * Where an experiment is in its life.
 */
export type ExperimentStatus = 'queued' | 'training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled'
/**
 * One patch of the base each.
 *
 * @minItems 1
 * @maxItems 1000
 *
 * Items: A JSON Merge Patch (RFC 7396) of the base: objects merge, null removes, anything else replaces. Its name, if it has one, is the variant’s.
 */
export type List = {
  [k: string]: unknown
}[]
/**
 * A comparison, or one of its tables.
 */
export type ComparisonAnswer = Comparison | ComparisonTable

export interface ExperimentSpec {
  name?: string
  /**
   * Your own labels, keys without colons; GET /v1/experiments?tag=key:value finds them.
   */
  tags?: {
    [k: string]: string
  }
  dataset: {
    /**
     * synthetic-digits, mnist, fashion-mnist, cifar-10, modular-arithmetic, addition, copy-and-induction, parity, spirals, or one of yours (POST /v1/datasets).
     */
    name: string
    /**
     * Which examples an uploaded dataset has, filled in from its name. Given, it must be the digest of the dataset of that name: so a spec means the same data, or is refused.
     */
    sha256?: string
    /**
     * Examples in the train split.
     */
    trainExamples?: number
    /**
     * Examples in the validation split; 0 is allowed when only train is allocated. If absent, the dataset’s default or what is left beside trainExamples.
     */
    validationExamples?: number
    /**
     * Picks the examples (and, where they are generated, draws them). When every example of a file is asked for, their order is the file’s.
     */
    seed?: number
    /**
     * What is done with the values of examples before the network sees them, in training and in the loss that is allocated. If absent, bytes are divided by 255 (unit), and numbers are as they are (none). Not for tokens.
     */
    normalization?: None | Unit | PerChannel
    /**
     * modular-arithmetic: the modulus (97); a prime for divide.
     */
    p?: number
    /**
     * modular-arithmetic: what is done with a and b modulo p (add).
     */
    operation?: 'add' | 'subtract' | 'multiply' | 'divide'
    /**
     * modular-arithmetic: the share of all pairs to train on (0.5), rounded; the rest is validated on. Instead of trainExamples.
     */
    fraction?: number
    /**
     * addition: digits of each number (3).
     */
    digits?: number
    /**
     * addition: whether the sum has its last digit first, as carries run (false).
     */
    reversed?: boolean
    /**
     * copy-and-induction: a segment of distinct tokens again and again, with a period that differs from example to example (induction), or once more after a separator (copy). induction if absent.
     */
    task?: 'induction' | 'copy'
    /**
     * copy-and-induction: tokens (32).
     */
    vocabulary?: number
    /**
     * copy-and-induction: the longest segment (16); at most vocabulary for induction.
     */
    length?: number
    /**
     * parity: bits of an example (10).
     */
    bits?: number
    /**
     * parity: how many of the bits, drawn by the seed, count; all if absent.
     */
    relevant?: number
    /**
     * parity: whether the bits are tokens 0 and 1 rather than the numbers −1 and 1 (false).
     */
    tokens?: boolean
    /**
     * spirals: arms, a class each (3).
     */
    classes?: number
    /**
     * spirals: how often an arm goes round (1).
     */
    turns?: number
    /**
     * spirals: standard deviation of what is added to both coordinates (0.05).
     */
    noise?: number
  }
  /**
   * The network: of 1 to 134,217,728 parameters (2^27).
   */
  architecture?:
    Fc | Lenet | AllCnn | Resnet | Vgg | Transformer | Vit | MlpMixer | WideResnet | Mobilenet | Custom
  /**
   * What is trained on and allocated, the mean over examples; where an example has several labels, its loss is the mean over them. If absent, cross-entropy; mean-squared-error where targets are numbers.
   */
  loss?: CrossEntropy | MeanSquaredError
  optimizer?: Sgd | Rmsprop | Adam | Adamw | Sgdw | Lion
  /**
   * Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.
   */
  layers?: {
    [k: string]: {
      freeze?:
        | boolean
        | {
            /**
             * First frozen iteration.
             */
            from?: number
            /**
             * First iteration that trains again; never if absent.
             */
            until?: number
          }
      /**
       * Replaces training.l2 for the kernels of this layer.
       */
      l2?: number
      /**
       * Replaces hyperparameters for this layer: those that its optimizer has.
       */
      optimizer?: {
        /**
         * Another optimizer for this layer, with its defaults but for the learning rate and the schedule, which stay; so, too, where a rule goes back to the experiment’s own.
         */
        name?: 'sgd' | 'rmsprop' | 'adam' | 'adamw' | 'sgdw' | 'lion'
        /**
         * Step size.
         */
        learningRate?: number
        momentum?: number
        nesterov?: boolean
        decay?: number
        beta1?: number
        beta2?: number
        epsilon?: number
        weightDecay?: number
      }
    }
  }
  training: {
    /**
     * Optimizer steps. Required, but with a trajectory: all of its steps if absent.
     */
    iterations?: number
    /**
     * The id of a training that happened elsewhere (POST /v1/trajectories): its weights are allocated, nothing is trained. Architecture, optimizer and iterations are the trajectory’s where the spec has none; an iteration is one of its recorded steps.
     */
    trajectory?: string
    /**
     * Examples a step; at most trainExamples, which it also is by default where that is below 250. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped. A batch may hold 64 GiB of activations and their gradients.
     */
    batchSize?: number
    /**
     * Seeds the initial weights, the shuffles and the dropout masks.
     */
    seed?: number
    /**
     * Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).
     */
    l2?: number
    /**
     * Multiplies the gradient that is trained on by min(1, clipNorm/‖g‖), ‖g‖ over all layers that are not frozen, l2 included. If absent, it is not clipped.
     */
    clipNorm?: number
    /**
     * Of images, in training only: drawn from the seed, never in the loss that is allocated.
     */
    augmentation?: {
      /**
       * Left to right, every second image or so.
       */
      flip?: boolean
      /**
       * Zeros around the image, out of which one of its size is cut anywhere.
       */
      crop?: number
    }
    /**
     * The weights that are stored and allocated are the exponential average of those that are trained, w ← w + (1 − β)·(θ − w) after each iteration, w₀ = θ₀. Training is the same without. If absent, those that are trained.
     */
    average?: {
      /**
       * β: the average keeps so much of itself with each iteration.
       */
      decay: number
      /**
       * Until this iteration the average is the weights themselves.
       */
      from?: number
    }
    /**
     * Start from the weights of an earlier experiment instead of drawing them. Shuffles and dropout masks are still the seed’s, and optimizers start afresh, but with state.
     */
    initial?: {
      /**
       * The id of an experiment of the same network that has succeeded and kept its weights.
       */
      experiment: string
      /**
       * Which of its weights: 0 is what it started from, its iterations what it ended with.
       */
      iteration: number
      /**
       * Go on with its training, as if it had not ended there: with its optimizers’ state (where a layer’s optimizer is still of the same kind), and with learning-rate schedules, freezes, shuffles and dropout masks at the iteration that would have come next. What nothing is changed of has the bits of the training that went on. Its training is repeated up to there, on the same kind of device.
       */
      state?: boolean
    }
    /**
     * The optimizer proposes a step, the ledger judges it, and a part of it is taken. Iterations count as in freezes and schedules. What was chosen, and what came of it, is at …/diagnostics/interventions; the allocation is of the steps that were taken.
     */
    intervention?: {
      /**
       * What is taken of the step: the part of those whose LCA is below 0, or above 0; or, to compare these with, the part of as many as help, drawn from the seed in each layer (by layer: as many layers), or the whole step, in each layer as short as the helpers’ part of it is (by layer: the whole network’s).
       */
      update: 'helpers' | 'hurters' | 'random' | 'shrink'
      /**
       * Whose LCA decides: each parameter’s, or the sum over a unit, or a layer, which move together.
       */
      by?: 'parameter' | 'unit' | 'layer'
      judge?: {
        /**
         * Whose loss the step is judged by.
         */
        split?: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method?: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * First iteration that is judged.
       */
      from?: number
      /**
       * First iteration that is not judged any more; to the end if absent.
       */
      until?: number
      /**
       * Every so many iterations, from `from` on.
       */
      every?: number
      /**
       * What the optimizer’s memory sees: the whole gradient, or only the part of it whose step is taken (with shrink: as much smaller as the step).
       */
      state?: 'whole' | 'masked'
    }
    /**
     * Training judges the steps that it has taken, and acts on that: each decision is a row of …/diagnostics/policies, and an event.
     */
    policy?: {
      judge?: {
        /**
         * Whose loss the step is judged by.
         */
        split?: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method?: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * Every so many steps are judged; each by itself costs a gradient more than one that follows another.
       */
      every?: number
      /**
       * Freezes a layer whose LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself.
       */
      freezeHurting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps?: number
        /**
         * Iterations that it is frozen for; to the end if absent.
         */
        for?: number
      }
      /**
       * Ends training where the network’s LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself. The experiment then has so many iterations.
       */
      stopOverfitting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps?: number
      }
      /**
       * Lowers the momentum of a layer in which what earlier gradients still push has an LCA over the last steps that is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself; it is looked at again after as many steps, and the momentum restored once it is not.
       */
      quietMomentum?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps?: number
        /**
         * What the momentum of the layer is multiplied by.
         */
        factor?: number
      }
    }
  }
  allocation?: {
    /**
     * Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.
     */
    method?: 'left' | 'trapezoid' | 'simpson' | 'boole'
    /**
     * Split the step further while |residual| is above this on any split.
     */
    maxError?: number
    /**
     * Most parts a step is split into; a power of two.
     */
    maxSplits?: number
    /**
     * Which losses are allocated; both, or train alone if validationExamples is 0.
     *
     * @minItems 1
     * @maxItems 2
     *
     * Items: A split of the dataset.
     */
    splits?: ('train' | 'validation')[]
    /**
     * Allocates the loss over so many examples of each split, drawn once by the seeds, instead of over the split: as many times fewer operations, and every layer’s LCA comes with the standard error that it has as an estimate for the whole split. At most the larger allocated split; a smaller one that has no more is allocated whole. With batch norm whole chunks are drawn, so it is a multiple of chunkSize. If absent, every split is allocated whole.
     */
    examples?: number
    /**
     * Examples a gradient pass takes at once, at most the larger allocated split (a smaller one is then one chunk), and no more than hold 64 GiB of activations and their gradients. auto picks what is fast; with batch norm, where the chunk is part of what the loss is, about 250. A sample (examples) is at least 20 chunks. The resolved spec says what it picked.
     */
    chunkSize?: 'auto' | number
    /**
     * Iterations an object in storage and a job hold.
     */
    segmentIterations?: number
    /**
     * What is recorded beside the allocations, by name: true, options, or false. Those that cost next to nothing are on by default.
     */
    diagnostics?: {
      /**
       * How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.
       */
      curvature?: boolean
      /**
       * Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.
       */
      oscillation?: boolean
      /**
       * How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.
       */
      tails?: boolean
      /**
       * Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.
       */
      units?: boolean
      /**
       * Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.
       */
      windows?: boolean
      /**
       * The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below 5 chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.
       */
      uncertainty?: boolean
      /**
       * The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.
       */
      counterfactuals?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
      /**
       * LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².
       */
      components?: boolean
      /**
       * The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.
       */
      fisher?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
            /**
             * Examples of each split that it looks at; of one that has fewer, all.
             */
            examples: number
          }
      /**
       * LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.
       */
      classes?: boolean
      /**
       * The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.
       */
      sharpness?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
    }
  }
  /**
   * Raw tensors to keep in object storage: both by default; [] keeps the aggregates (those per neuron included) and the manifest only.
   *
   * @maxItems 2
   */
  keep?: ('weights' | 'allocations')[]
  /**
   * Webhooks: POSTs of { type: "experiment.<status>", timestamp, data } when the status changes, signed with the secret of GET /v1/webhooks/secret.
   *
   * @maxItems 5
   */
  notify?: {
    /**
     * http or https, without a user name or password; at a public address.
     */
    url: string
    /**
     * The statuses to tell of.
     *
     * @minItems 1
     * @maxItems 5
     */
    events?: ('training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled')[]
  }[]
}
/**
 * Values as they are; bytes from 0 to 255.
 */
export interface None {
  name: 'none'
}
/**
 * Bytes divided by 255.
 */
export interface Unit {
  name: 'unit'
}
/**
 * (x − mean)/deviation by channel (the last axis; each feature, where an example is [features]), bytes divided by 255 first. Augmentation comes before it. The experiment’s manifest has the numbers.
 */
export interface PerChannel {
  name: 'per-channel'
  /**
   * By channel; if absent, of the train split, in float64.
   *
   * @minItems 1
   * @maxItems 65536
   */
  mean?: number[]
  /**
   * By channel; if absent, √ of the mean squared distance from the mean over the train split, 1 for a channel that does not vary.
   *
   * @minItems 1
   * @maxItems 65536
   */
  deviation?: number[]
}
/**
 * Flatten, dense layers of `hidden` units with ReLU, dense to classes. Layers fc_1 … fc_n.
 */
export interface Fc {
  name: 'fc'
  /**
   * Units of each hidden layer, ReLU after each; [] is a linear model.
   *
   * @maxItems 32
   */
  hidden?: number[]
}
/**
 * Twice a 5×5 convolution with ReLU and a 2×2 max pool, then a dense layer with ReLU, then dense to classes; dropout before both. Layers conv_1, conv_2, fc_1, fc_2.
 */
export interface Lenet {
  name: 'lenet'
  /**
   * Filters of conv_1 and conv_2.
   *
   * @minItems 2
   * @maxItems 2
   */
  channels?: number[]
  /**
   * Units of fc_1.
   */
  units?: number
  /**
   * Rates before fc_1 and before fc_2; in training only.
   *
   * @minItems 2
   * @maxItems 2
   */
  dropout?: number[]
}
/**
 * 3×3 convolutions with ReLU, of 96, 96, 96 (stride 2), 192, 192, 192 (stride 2), 192 filters, 1×1 of 192 and of one filter a class, global average. Batch norm after the hidden convolutions without stride. Layers conv_1 … conv_9 and bn_1, bn_2, bn_4, bn_5, bn_7, bn_8.
 */
export interface AllCnn {
  name: 'all-cnn'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor?: number
  /**
   * Rate after each strided convolution; in training only.
   */
  dropout?: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * The residual network of He et al. 2015 for small images: a 3×3 convolution, three groups of blocks (convolution, batch norm, ReLU, convolution, batch norm, plus the input, ReLU), the second and the third group starting with stride 2, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution. Layers conv_1, bn_1, block1a/conv_1, block1a/bn_1, block1a/conv_2, block1a/bn_2, block2a/shortcut, …, fc_1.
 */
export interface Resnet {
  name: 'resnet'
  /**
   * Layers with weights, 6n + 2: three groups of n blocks of two convolutions.
   */
  depth?: 8 | 14 | 20 | 32 | 44 | 56
  /**
   * Channels of conv_1 and of the first group; the second has twice, the third four times as many.
   */
  width?: number
  /**
   * Widens or narrows the blocks of each group inside: multiplies the channels between their two convolutions, rounded, at least 1.
   *
   * @minItems 3
   * @maxItems 3
   */
  widthFactors?: number[]
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * 3×3 convolutions with ReLU of 32, 64, 128, 128, 256, 256 filters, a 2×2 max pool after the first, the second, the fourth and the sixth, two dense layers of 512 with ReLU, dense to classes. Layers conv_1 … conv_6, fc_1 … fc_3.
 */
export interface Vgg {
  name: 'vgg'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor?: number
  /**
   * Rate after each hidden dense layer; in training only.
   */
  dropout?: number
}
/**
 * For datasets of tokens: embedding, positions, blocks of attention and of two dense layers with an activation between them, each added to its input, a norm, dense to classes at the places that have labels. The vocabulary is the dataset’s. Layers embedding_1, positional_1, block1/ln_1, block1/attention_1, block1/ln_2, block1/fc_1, block1/fc_2, …, ln_1, fc_1; rms_1 for ln_1 where normalization is rms.
 */
export interface Transformer {
  name: 'transformer'
  /**
   * Blocks.
   */
  depth?: number
  /**
   * Features of a place; heads divide it.
   */
  width?: number
  /**
   * Of each attention layer.
   */
  heads?: number
  /**
   * Units of fc_1 of a block, over width; rounded.
   */
  mlpRatio?: number
  /**
   * Before attention and dense layers and at the end; after each sum; or none at all.
   */
  norm?: 'pre' | 'post' | 'none'
  /**
   * layer_norm or rms_norm.
   */
  normalization?: 'layer' | 'rms'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
  /**
   * Between the dense layers.
   */
  activation?: 'gelu' | 'relu' | 'silu' | 'tanh'
  /**
   * Of the attention’s projections.
   */
  bias?: boolean
  /**
   * Rate after the embedding and before each sum; in training only.
   */
  dropout?: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * As of positional.
   */
  positions?: 'learned' | 'sinusoidal' | 'none'
  /**
   * Where an example has one label: from the last place, or the mean over all.
   */
  pool?: 'last' | 'mean'
  /**
   * Whether the embedding’s kernel also makes the outputs, where these are the vocabulary.
   */
  tied?: boolean
}
/**
 * A transformer over the patches of an image: each as `width` features by one convolution, learned positions, blocks as of transformer with every place seen, the mean over places, a norm, dense to classes. Layers conv_1, positional_1, block1/…, ln_1, fc_1.
 */
export interface Vit {
  name: 'vit'
  /**
   * Side of a patch; it divides the sides of the image.
   */
  patch?: number
  /**
   * Blocks.
   */
  depth?: number
  /**
   * Features of a place; heads divide it.
   */
  width?: number
  /**
   * Of each attention layer.
   */
  heads?: number
  /**
   * Units of fc_1 of a block, over width; rounded.
   */
  mlpRatio?: number
  /**
   * Before attention and dense layers and at the end; after each sum; or none at all.
   */
  norm?: 'pre' | 'post' | 'none'
  /**
   * layer_norm or rms_norm.
   */
  normalization?: 'layer' | 'rms'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
  /**
   * Between the dense layers.
   */
  activation?: 'gelu' | 'relu' | 'silu' | 'tanh'
  /**
   * Of the attention’s projections.
   */
  bias?: boolean
  /**
   * Rate after the embedding and before each sum; in training only.
   */
  dropout?: number
}
/**
 * Patches of an image, each as `width` features; blocks that add to their input what two dense layers make of its places, then two of its features, a norm before and GELU between; a norm, the mean over places, dense to classes. Layers conv_1, block1/ln_1, block1/fc_1, block1/fc_2, block1/ln_2, block1/fc_3, block1/fc_4, …, ln_1, fc_1.
 */
export interface MlpMixer {
  name: 'mlp-mixer'
  /**
   * Side of a patch; it divides the sides of the image.
   */
  patch?: number
  /**
   * Blocks.
   */
  depth?: number
  /**
   * Features of a patch.
   */
  width?: number
  /**
   * Between the dense layers over places, block1/fc_1 and block1/fc_2.
   */
  tokenUnits?: number
  /**
   * Between the dense layers over features, block1/fc_3 and block1/fc_4.
   */
  channelUnits?: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * The wide residual network of Zagoruyko and Komodakis 2016: a 3×3 convolution of 16, three groups of blocks (batch norm, ReLU, convolution, batch norm, ReLU, convolution, plus the input), the second and the third group starting with stride 2, batch norm, ReLU, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution of what the block’s first ReLU gives. Layers conv_1, block1a/bn_1, block1a/conv_1, block1a/bn_2, block1a/conv_2, block1a/shortcut, …, bn_1, fc_1.
 */
export interface WideResnet {
  name: 'wide-resnet'
  /**
   * Layers with weights, 6n + 4: three groups of n blocks.
   */
  depth?: 10 | 16 | 22 | 28 | 34 | 40
  /**
   * Times 16, 32 and 64: the channels of the three groups, rounded.
   */
  widenFactor?: number
  /**
   * Rate between the convolutions of a block; in training only.
   */
  dropout?: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * Depthwise separable convolutions after Howard et al. 2017, for small images: a 3×3 convolution of 32, blocks of a 3×3 depthwise convolution and a 1×1 convolution of 64, 128 (stride 2), 128, 256 (2), 256, 512 (2), 512 × repeats, 1024 (2), 1024 filters, batch norm and ReLU after each; global average, dense to classes. Layers conv_1, bn_1, block1/depthwise_1, block1/bn_1, block1/conv_1, block1/bn_2, …, fc_1.
 */
export interface Mobilenet {
  name: 'mobilenet'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor?: number
  /**
   * Blocks of 512 filters after the first.
   */
  repeats?: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * The layers that you list. Layers with parameters are named by kind and number.
 */
export interface Custom {
  name: 'custom'
  /**
   * From the examples to one number a class, first to last; at most 4000 with those in blocks.
   *
   * @minItems 1
   * @maxItems 1000
   *
   * Items: A layer.
   */
  layers: (
    | Dense
    | Conv2D
    | DepthwiseConv2D
    | BatchNorm
    | MaxPool
    | AveragePool
    | GlobalAveragePool
    | Relu
    | Tanh
    | Gelu
    | Dropout
    | Flatten
    | Silu
    | Softplus
    | LeakyRelu
    | Embedding
    | Positional
    | LayerNorm
    | RmsNorm
    | GroupNorm
    | MultiHeadAttention
    | MeanOverTokens
    | LastToken
    | LastTokens
    | Conv1D
    | ImageToSequence
    | Transpose
    | Unembedding
    | Residual
    | Add
    | Concatenate
  )[]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout {
  kind: 'dropout'
  rate?: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu {
  kind: 'leaky_relu'
  slope?: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding?: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * Of all four projections.
   */
  bias?: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding?: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding {
  kind: 'unembedding'
}
/**
 * layers(x) + shortcut(x). Its layers are named block_1/conv_1, …, those of the shortcut block_1/shortcut_conv_1, …
 */
export interface Residual {
  kind: 'residual'
  /**
   * What is added to the shortcut.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: A layer inside a block.
   */
  layers: (
    | Dense1
    | Conv2D1
    | DepthwiseConv2D1
    | BatchNorm1
    | MaxPool1
    | AveragePool1
    | GlobalAveragePool1
    | Relu1
    | Tanh1
    | Gelu1
    | Dropout1
    | Flatten1
    | Silu1
    | Softplus1
    | LeakyRelu1
    | Embedding1
    | Positional1
    | LayerNorm1
    | RmsNorm1
    | GroupNorm1
    | MultiHeadAttention1
    | MeanOverTokens1
    | LastToken1
    | LastTokens1
    | Conv1D1
    | ImageToSequence1
    | Transpose1
    | Unembedding1
  )[]
  /**
   * The input itself where it is empty.
   *
   * @maxItems 100
   *
   * Items: A layer inside a block.
   */
  shortcut?: (
    | Dense2
    | Conv2D2
    | DepthwiseConv2D2
    | BatchNorm2
    | MaxPool2
    | AveragePool2
    | GlobalAveragePool2
    | Relu2
    | Tanh2
    | Gelu2
    | Dropout2
    | Flatten2
    | Silu2
    | Softplus2
    | LeakyRelu2
    | Embedding2
    | Positional2
    | LayerNorm2
    | RmsNorm2
    | GroupNorm2
    | MultiHeadAttention2
    | MeanOverTokens2
    | LastToken2
    | LastTokens2
    | Conv1D2
    | ImageToSequence2
    | Transpose2
    | Unembedding2
  )[]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense1 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D1 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D1 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm1 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool1 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool1 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool1 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu1 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh1 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu1 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout1 {
  kind: 'dropout'
  rate?: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten1 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu1 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus1 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu1 {
  kind: 'leaky_relu'
  slope?: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding1 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional1 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding?: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm1 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm1 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm1 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention1 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * Of all four projections.
   */
  bias?: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens1 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken1 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens1 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D1 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding?: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence1 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose1 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding1 {
  kind: 'unembedding'
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense2 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D2 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D2 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm2 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool2 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool2 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool2 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu2 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh2 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu2 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout2 {
  kind: 'dropout'
  rate?: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten2 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu2 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus2 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu2 {
  kind: 'leaky_relu'
  slope?: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding2 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional2 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding?: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm2 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm2 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm2 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention2 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * Of all four projections.
   */
  bias?: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens2 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken2 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens2 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D2 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding?: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence2 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose2 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding2 {
  kind: 'unembedding'
}
/**
 * The sum of all branches, which end in one shape. Layers are named block_1/branch1_conv_1, ….
 */
export interface Add {
  kind: 'add'
  /**
   * What the same input goes through.
   *
   * @minItems 2
   * @maxItems 16
   */
  branches: (
    | Dense3
    | Conv2D3
    | DepthwiseConv2D3
    | BatchNorm3
    | MaxPool3
    | AveragePool3
    | GlobalAveragePool3
    | Relu3
    | Tanh3
    | Gelu3
    | Dropout3
    | Flatten3
    | Silu3
    | Softplus3
    | LeakyRelu3
    | Embedding3
    | Positional3
    | LayerNorm3
    | RmsNorm3
    | GroupNorm3
    | MultiHeadAttention3
    | MeanOverTokens3
    | LastToken3
    | LastTokens3
    | Conv1D3
    | ImageToSequence3
    | Transpose3
    | Unembedding3
  )[][]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense3 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D3 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D3 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm3 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool3 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool3 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool3 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu3 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh3 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu3 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout3 {
  kind: 'dropout'
  rate?: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten3 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu3 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus3 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu3 {
  kind: 'leaky_relu'
  slope?: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding3 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional3 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding?: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm3 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm3 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm3 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention3 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * Of all four projections.
   */
  bias?: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens3 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken3 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens3 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D3 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding?: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence3 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose3 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding3 {
  kind: 'unembedding'
}
/**
 * All branches side by side, along the last axis. Layers are named block_1/branch1_conv_1, ….
 */
export interface Concatenate {
  kind: 'concatenate'
  /**
   * What the same input goes through.
   *
   * @minItems 2
   * @maxItems 16
   */
  branches: (
    | Dense4
    | Conv2D4
    | DepthwiseConv2D4
    | BatchNorm4
    | MaxPool4
    | AveragePool4
    | GlobalAveragePool4
    | Relu4
    | Tanh4
    | Gelu4
    | Dropout4
    | Flatten4
    | Silu4
    | Softplus4
    | LeakyRelu4
    | Embedding4
    | Positional4
    | LayerNorm4
    | RmsNorm4
    | GroupNorm4
    | MultiHeadAttention4
    | MeanOverTokens4
    | LastToken4
    | LastTokens4
    | Conv1D4
    | ImageToSequence4
    | Transpose4
    | Unembedding4
  )[][]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense4 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D4 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D4 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding?: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm4 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool4 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool4 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size?: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool4 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu4 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh4 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu4 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout4 {
  kind: 'dropout'
  rate?: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten4 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu4 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus4 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu4 {
  kind: 'leaky_relu'
  slope?: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding4 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional4 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding?: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm4 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm4 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm4 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention4 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal?: boolean
  /**
   * Of all four projections.
   */
  bias?: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens4 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken4 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens4 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D4 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size?: number
  stride?: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding?: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias?: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence4 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose4 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding4 {
  kind: 'unembedding'
}
/**
 * −Σ target·log softmax(outputs)
 */
export interface CrossEntropy {
  name: 'cross-entropy'
  /**
   * s: the target is (1 − s)·onehot(label) + s/classes.
   */
  labelSmoothing?: number
}
/**
 * The mean over classes of (output − onehot(label))²; where targets are numbers, over these of (output − target)².
 */
export interface MeanSquaredError {
  name: 'mean-squared-error'
}
export interface Sgd {
  name: 'sgd'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant | Step | Cosine | Warmup | WarmupCosine
  /**
   * v ← momentum·v + g
   */
  momentum?: number
  /**
   * Step along g + momentum·v instead of v; needs momentum > 0.
   */
  nesterov?: boolean
}
export interface Constant {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
export interface Rmsprop {
  name: 'rmsprop'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant1 | Step1 | Cosine1 | Warmup1 | WarmupCosine1
  /**
   * Decay of the mean of squared gradients.
   */
  decay?: number
  /**
   * v ← momentum·v + g/(√s + epsilon)
   */
  momentum?: number
  /**
   * Added to the root in the denominator.
   */
  epsilon?: number
}
export interface Constant1 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step1 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine1 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup1 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine1 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
export interface Adam {
  name: 'adam'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant2 | Step2 | Cosine2 | Warmup2 | WarmupCosine2
  /**
   * Decay of the first moment.
   */
  beta1?: number
  /**
   * Decay of the second moment.
   */
  beta2?: number
  /**
   * Added to the root in the denominator.
   */
  epsilon?: number
}
export interface Constant2 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step2 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine2 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup2 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine2 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
export interface Adamw {
  name: 'adamw'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant3 | Step3 | Cosine3 | Warmup3 | WarmupCosine3
  /**
   * Decay of the first moment.
   */
  beta1?: number
  /**
   * Decay of the second moment.
   */
  beta2?: number
  /**
   * Added to the root in the denominator.
   */
  epsilon?: number
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay?: number
}
export interface Constant3 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step3 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine3 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup3 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine3 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * sgd with decoupled weight decay.
 */
export interface Sgdw {
  name: 'sgdw'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant4 | Step4 | Cosine4 | Warmup4 | WarmupCosine4
  /**
   * v ← momentum·v + g
   */
  momentum?: number
  /**
   * Step along g + momentum·v instead of v; needs momentum > 0.
   */
  nesterov?: boolean
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay?: number
}
export interface Constant4 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step4 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine4 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup4 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine4 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * θ ← θ − rate·sign(beta1·m + (1 − beta1)·g), then m ← beta2·m + (1 − beta2)·g.
 */
export interface Lion {
  name: 'lion'
  /**
   * Step size.
   */
  learningRate?: number
  schedule?: Constant5 | Step5 | Cosine5 | Warmup5 | WarmupCosine5
  /**
   * Of the momentum in the direction whose sign is the step.
   */
  beta1?: number
  /**
   * Decay of the momentum.
   */
  beta2?: number
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay?: number
}
export interface Constant5 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step5 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor?: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine5 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup5 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine5 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations?: number
  /**
   * Fraction of the rate at the end.
   */
  final?: number
}
/**
 * A spec with every default filled in. Of an experiment that another version accepted, what that version knew.
 */
export interface ResolvedSpec {
  name?: string
  /**
   * Your own labels, keys without colons; GET /v1/experiments?tag=key:value finds them.
   */
  tags: {
    [k: string]: string
  }
  dataset: {
    /**
     * synthetic-digits, mnist, fashion-mnist, cifar-10, modular-arithmetic, addition, copy-and-induction, parity, spirals, or one of yours (POST /v1/datasets).
     */
    name: string
    /**
     * Which examples an uploaded dataset has, filled in from its name. Given, it must be the digest of the dataset of that name: so a spec means the same data, or is refused.
     */
    sha256?: string
    /**
     * Examples in the train split.
     */
    trainExamples: number
    /**
     * Examples in the validation split; 0 is allowed when only train is allocated. If absent, the dataset’s default or what is left beside trainExamples.
     */
    validationExamples: number
    /**
     * Picks the examples (and, where they are generated, draws them). When every example of a file is asked for, their order is the file’s.
     */
    seed: number
    /**
     * What is done with the values of examples before the network sees them, in training and in the loss that is allocated. If absent, bytes are divided by 255 (unit), and numbers are as they are (none). Not for tokens.
     */
    normalization?: None1 | Unit1 | PerChannel1
    /**
     * modular-arithmetic: the modulus (97); a prime for divide.
     */
    p?: number
    /**
     * modular-arithmetic: what is done with a and b modulo p (add).
     */
    operation?: 'add' | 'subtract' | 'multiply' | 'divide'
    /**
     * modular-arithmetic: the share of all pairs to train on (0.5), rounded; the rest is validated on. Instead of trainExamples.
     */
    fraction?: number
    /**
     * addition: digits of each number (3).
     */
    digits?: number
    /**
     * addition: whether the sum has its last digit first, as carries run (false).
     */
    reversed?: boolean
    /**
     * copy-and-induction: a segment of distinct tokens again and again, with a period that differs from example to example (induction), or once more after a separator (copy). induction if absent.
     */
    task?: 'induction' | 'copy'
    /**
     * copy-and-induction: tokens (32).
     */
    vocabulary?: number
    /**
     * copy-and-induction: the longest segment (16); at most vocabulary for induction.
     */
    length?: number
    /**
     * parity: bits of an example (10).
     */
    bits?: number
    /**
     * parity: how many of the bits, drawn by the seed, count; all if absent.
     */
    relevant?: number
    /**
     * parity: whether the bits are tokens 0 and 1 rather than the numbers −1 and 1 (false).
     */
    tokens?: boolean
    /**
     * spirals: arms, a class each (3).
     */
    classes?: number
    /**
     * spirals: how often an arm goes round (1).
     */
    turns?: number
    /**
     * spirals: standard deviation of what is added to both coordinates (0.05).
     */
    noise?: number
  }
  /**
   * The network: of 1 to 134,217,728 parameters (2^27).
   */
  architecture:
    | Fc1
    | Lenet1
    | AllCnn1
    | Resnet1
    | Vgg1
    | Transformer1
    | Vit1
    | MlpMixer1
    | WideResnet1
    | Mobilenet1
    | Custom1
  /**
   * What is trained on and allocated, the mean over examples; where an example has several labels, its loss is the mean over them. If absent, cross-entropy; mean-squared-error where targets are numbers.
   */
  loss?: CrossEntropy1 | MeanSquaredError1
  optimizer: Sgd1 | Rmsprop1 | Adam1 | Adamw1 | Sgdw1 | Lion1
  /**
   * Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.
   */
  layers: {
    [k: string]: {
      freeze?:
        | boolean
        | {
            /**
             * First frozen iteration.
             */
            from?: number
            /**
             * First iteration that trains again; never if absent.
             */
            until?: number
          }
      /**
       * Replaces training.l2 for the kernels of this layer.
       */
      l2?: number
      /**
       * Replaces hyperparameters for this layer: those that its optimizer has.
       */
      optimizer?: {
        /**
         * Another optimizer for this layer, with its defaults but for the learning rate and the schedule, which stay; so, too, where a rule goes back to the experiment’s own.
         */
        name?: 'sgd' | 'rmsprop' | 'adam' | 'adamw' | 'sgdw' | 'lion'
        /**
         * Step size.
         */
        learningRate?: number
        momentum?: number
        nesterov?: boolean
        decay?: number
        beta1?: number
        beta2?: number
        epsilon?: number
        weightDecay?: number
      }
    }
  }
  training: {
    /**
     * Optimizer steps. Required, but with a trajectory: all of its steps if absent.
     */
    iterations: number
    /**
     * The id of a training that happened elsewhere (POST /v1/trajectories): its weights are allocated, nothing is trained. Architecture, optimizer and iterations are the trajectory’s where the spec has none; an iteration is one of its recorded steps.
     */
    trajectory?: string
    /**
     * Examples a step; at most trainExamples, which it also is by default where that is below 250. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped. A batch may hold 64 GiB of activations and their gradients.
     */
    batchSize: number
    /**
     * Seeds the initial weights, the shuffles and the dropout masks.
     */
    seed: number
    /**
     * Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).
     */
    l2: number
    /**
     * Multiplies the gradient that is trained on by min(1, clipNorm/‖g‖), ‖g‖ over all layers that are not frozen, l2 included. If absent, it is not clipped.
     */
    clipNorm?: number
    /**
     * Of images, in training only: drawn from the seed, never in the loss that is allocated.
     */
    augmentation?: {
      /**
       * Left to right, every second image or so.
       */
      flip: boolean
      /**
       * Zeros around the image, out of which one of its size is cut anywhere.
       */
      crop: number
    }
    /**
     * The weights that are stored and allocated are the exponential average of those that are trained, w ← w + (1 − β)·(θ − w) after each iteration, w₀ = θ₀. Training is the same without. If absent, those that are trained.
     */
    average?: {
      /**
       * β: the average keeps so much of itself with each iteration.
       */
      decay: number
      /**
       * Until this iteration the average is the weights themselves.
       */
      from: number
    }
    /**
     * Start from the weights of an earlier experiment instead of drawing them. Shuffles and dropout masks are still the seed’s, and optimizers start afresh, but with state.
     */
    initial?: {
      /**
       * The id of an experiment of the same network that has succeeded and kept its weights.
       */
      experiment: string
      /**
       * Which of its weights: 0 is what it started from, its iterations what it ended with.
       */
      iteration: number
      /**
       * Go on with its training, as if it had not ended there: with its optimizers’ state (where a layer’s optimizer is still of the same kind), and with learning-rate schedules, freezes, shuffles and dropout masks at the iteration that would have come next. What nothing is changed of has the bits of the training that went on. Its training is repeated up to there, on the same kind of device.
       */
      state?: boolean
    }
    /**
     * The optimizer proposes a step, the ledger judges it, and a part of it is taken. Iterations count as in freezes and schedules. What was chosen, and what came of it, is at …/diagnostics/interventions; the allocation is of the steps that were taken.
     */
    intervention?: {
      /**
       * What is taken of the step: the part of those whose LCA is below 0, or above 0; or, to compare these with, the part of as many as help, drawn from the seed in each layer (by layer: as many layers), or the whole step, in each layer as short as the helpers’ part of it is (by layer: the whole network’s).
       */
      update: 'helpers' | 'hurters' | 'random' | 'shrink'
      /**
       * Whose LCA decides: each parameter’s, or the sum over a unit, or a layer, which move together.
       */
      by: 'parameter' | 'unit' | 'layer'
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * First iteration that is judged.
       */
      from: number
      /**
       * First iteration that is not judged any more; to the end if absent.
       */
      until?: number
      /**
       * Every so many iterations, from `from` on.
       */
      every: number
      /**
       * What the optimizer’s memory sees: the whole gradient, or only the part of it whose step is taken (with shrink: as much smaller as the step).
       */
      state: 'whole' | 'masked'
    }
    /**
     * Training judges the steps that it has taken, and acts on that: each decision is a row of …/diagnostics/policies, and an event.
     */
    policy?: {
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * Every so many steps are judged; each by itself costs a gradient more than one that follows another.
       */
      every: number
      /**
       * Freezes a layer whose LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself.
       */
      freezeHurting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * Iterations that it is frozen for; to the end if absent.
         */
        for?: number
      }
      /**
       * Ends training where the network’s LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself. The experiment then has so many iterations.
       */
      stopOverfitting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
      }
      /**
       * Lowers the momentum of a layer in which what earlier gradients still push has an LCA over the last steps that is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself; it is looked at again after as many steps, and the momentum restored once it is not.
       */
      quietMomentum?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * What the momentum of the layer is multiplied by.
         */
        factor: number
      }
    }
  }
  allocation: {
    /**
     * Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.
     */
    method: 'left' | 'trapezoid' | 'simpson' | 'boole'
    /**
     * Split the step further while |residual| is above this on any split.
     */
    maxError: number
    /**
     * Most parts a step is split into; a power of two.
     */
    maxSplits: number
    /**
     * Which losses are allocated; both, or train alone if validationExamples is 0.
     *
     * @minItems 1
     * @maxItems 2
     *
     * Items: A split of the dataset.
     */
    splits: ('train' | 'validation')[]
    /**
     * Allocates the loss over so many examples of each split, drawn once by the seeds, instead of over the split: as many times fewer operations, and every layer’s LCA comes with the standard error that it has as an estimate for the whole split. At most the larger allocated split; a smaller one that has no more is allocated whole. With batch norm whole chunks are drawn, so it is a multiple of chunkSize. If absent, every split is allocated whole.
     */
    examples?: number
    chunkSize: number
    /**
     * Iterations an object in storage and a job hold.
     */
    segmentIterations: number
    /**
     * What is recorded beside the allocations, by name: true, options, or false. Those that cost next to nothing are on by default.
     */
    diagnostics?: {
      /**
       * How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.
       */
      curvature?: boolean
      /**
       * Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.
       */
      oscillation?: boolean
      /**
       * How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.
       */
      tails?: boolean
      /**
       * Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.
       */
      units?: boolean
      /**
       * Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.
       */
      windows?: boolean
      /**
       * The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below 5 chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.
       */
      uncertainty?: boolean
      /**
       * The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.
       */
      counterfactuals?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
      /**
       * LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².
       */
      components?: boolean
      /**
       * The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.
       */
      fisher?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
            /**
             * Examples of each split that it looks at; of one that has fewer, all.
             */
            examples: number
          }
      /**
       * LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.
       */
      classes?: boolean
      /**
       * The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.
       */
      sharpness?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
    }
  }
  /**
   * Raw tensors to keep in object storage: both by default; [] keeps the aggregates (those per neuron included) and the manifest only.
   *
   * @maxItems 2
   */
  keep: ('weights' | 'allocations')[]
  /**
   * Webhooks: POSTs of { type: "experiment.<status>", timestamp, data } when the status changes, signed with the secret of GET /v1/webhooks/secret.
   *
   * @maxItems 5
   */
  notify?: {
    /**
     * http or https, without a user name or password; at a public address.
     */
    url: string
    /**
     * The statuses to tell of.
     *
     * @minItems 1
     * @maxItems 5
     */
    events: ('training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled')[]
  }[]
}
/**
 * Values as they are; bytes from 0 to 255.
 */
export interface None1 {
  name: 'none'
}
/**
 * Bytes divided by 255.
 */
export interface Unit1 {
  name: 'unit'
}
/**
 * (x − mean)/deviation by channel (the last axis; each feature, where an example is [features]), bytes divided by 255 first. Augmentation comes before it. The experiment’s manifest has the numbers.
 */
export interface PerChannel1 {
  name: 'per-channel'
  /**
   * By channel; if absent, of the train split, in float64.
   *
   * @minItems 1
   * @maxItems 65536
   */
  mean?: number[]
  /**
   * By channel; if absent, √ of the mean squared distance from the mean over the train split, 1 for a channel that does not vary.
   *
   * @minItems 1
   * @maxItems 65536
   */
  deviation?: number[]
}
/**
 * Flatten, dense layers of `hidden` units with ReLU, dense to classes. Layers fc_1 … fc_n.
 */
export interface Fc1 {
  name: 'fc'
  /**
   * Units of each hidden layer, ReLU after each; [] is a linear model.
   *
   * @maxItems 32
   */
  hidden: number[]
}
/**
 * Twice a 5×5 convolution with ReLU and a 2×2 max pool, then a dense layer with ReLU, then dense to classes; dropout before both. Layers conv_1, conv_2, fc_1, fc_2.
 */
export interface Lenet1 {
  name: 'lenet'
  /**
   * Filters of conv_1 and conv_2.
   *
   * @minItems 2
   * @maxItems 2
   */
  channels: number[]
  /**
   * Units of fc_1.
   */
  units: number
  /**
   * Rates before fc_1 and before fc_2; in training only.
   *
   * @minItems 2
   * @maxItems 2
   */
  dropout: number[]
}
/**
 * 3×3 convolutions with ReLU, of 96, 96, 96 (stride 2), 192, 192, 192 (stride 2), 192 filters, 1×1 of 192 and of one filter a class, global average. Batch norm after the hidden convolutions without stride. Layers conv_1 … conv_9 and bn_1, bn_2, bn_4, bn_5, bn_7, bn_8.
 */
export interface AllCnn1 {
  name: 'all-cnn'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor: number
  /**
   * Rate after each strided convolution; in training only.
   */
  dropout: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * The residual network of He et al. 2015 for small images: a 3×3 convolution, three groups of blocks (convolution, batch norm, ReLU, convolution, batch norm, plus the input, ReLU), the second and the third group starting with stride 2, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution. Layers conv_1, bn_1, block1a/conv_1, block1a/bn_1, block1a/conv_2, block1a/bn_2, block2a/shortcut, …, fc_1.
 */
export interface Resnet1 {
  name: 'resnet'
  /**
   * Layers with weights, 6n + 2: three groups of n blocks of two convolutions.
   */
  depth: 8 | 14 | 20 | 32 | 44 | 56
  /**
   * Channels of conv_1 and of the first group; the second has twice, the third four times as many.
   */
  width: number
  /**
   * Widens or narrows the blocks of each group inside: multiplies the channels between their two convolutions, rounded, at least 1.
   *
   * @minItems 3
   * @maxItems 3
   */
  widthFactors: number[]
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * 3×3 convolutions with ReLU of 32, 64, 128, 128, 256, 256 filters, a 2×2 max pool after the first, the second, the fourth and the sixth, two dense layers of 512 with ReLU, dense to classes. Layers conv_1 … conv_6, fc_1 … fc_3.
 */
export interface Vgg1 {
  name: 'vgg'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor: number
  /**
   * Rate after each hidden dense layer; in training only.
   */
  dropout: number
}
/**
 * For datasets of tokens: embedding, positions, blocks of attention and of two dense layers with an activation between them, each added to its input, a norm, dense to classes at the places that have labels. The vocabulary is the dataset’s. Layers embedding_1, positional_1, block1/ln_1, block1/attention_1, block1/ln_2, block1/fc_1, block1/fc_2, …, ln_1, fc_1; rms_1 for ln_1 where normalization is rms.
 */
export interface Transformer1 {
  name: 'transformer'
  /**
   * Blocks.
   */
  depth: number
  /**
   * Features of a place; heads divide it.
   */
  width: number
  /**
   * Of each attention layer.
   */
  heads: number
  /**
   * Units of fc_1 of a block, over width; rounded.
   */
  mlpRatio: number
  /**
   * Before attention and dense layers and at the end; after each sum; or none at all.
   */
  norm: 'pre' | 'post' | 'none'
  /**
   * layer_norm or rms_norm.
   */
  normalization: 'layer' | 'rms'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
  /**
   * Between the dense layers.
   */
  activation: 'gelu' | 'relu' | 'silu' | 'tanh'
  /**
   * Of the attention’s projections.
   */
  bias: boolean
  /**
   * Rate after the embedding and before each sum; in training only.
   */
  dropout: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * As of positional.
   */
  positions: 'learned' | 'sinusoidal' | 'none'
  /**
   * Where an example has one label: from the last place, or the mean over all.
   */
  pool: 'last' | 'mean'
  /**
   * Whether the embedding’s kernel also makes the outputs, where these are the vocabulary.
   */
  tied: boolean
}
/**
 * A transformer over the patches of an image: each as `width` features by one convolution, learned positions, blocks as of transformer with every place seen, the mean over places, a norm, dense to classes. Layers conv_1, positional_1, block1/…, ln_1, fc_1.
 */
export interface Vit1 {
  name: 'vit'
  /**
   * Side of a patch; it divides the sides of the image.
   */
  patch: number
  /**
   * Blocks.
   */
  depth: number
  /**
   * Features of a place; heads divide it.
   */
  width: number
  /**
   * Of each attention layer.
   */
  heads: number
  /**
   * Units of fc_1 of a block, over width; rounded.
   */
  mlpRatio: number
  /**
   * Before attention and dense layers and at the end; after each sum; or none at all.
   */
  norm: 'pre' | 'post' | 'none'
  /**
   * layer_norm or rms_norm.
   */
  normalization: 'layer' | 'rms'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
  /**
   * Between the dense layers.
   */
  activation: 'gelu' | 'relu' | 'silu' | 'tanh'
  /**
   * Of the attention’s projections.
   */
  bias: boolean
  /**
   * Rate after the embedding and before each sum; in training only.
   */
  dropout: number
}
/**
 * Patches of an image, each as `width` features; blocks that add to their input what two dense layers make of its places, then two of its features, a norm before and GELU between; a norm, the mean over places, dense to classes. Layers conv_1, block1/ln_1, block1/fc_1, block1/fc_2, block1/ln_2, block1/fc_3, block1/fc_4, …, ln_1, fc_1.
 */
export interface MlpMixer1 {
  name: 'mlp-mixer'
  /**
   * Side of a patch; it divides the sides of the image.
   */
  patch: number
  /**
   * Blocks.
   */
  depth: number
  /**
   * Features of a patch.
   */
  width: number
  /**
   * Between the dense layers over places, block1/fc_1 and block1/fc_2.
   */
  tokenUnits: number
  /**
   * Between the dense layers over features, block1/fc_3 and block1/fc_4.
   */
  channelUnits: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * The wide residual network of Zagoruyko and Komodakis 2016: a 3×3 convolution of 16, three groups of blocks (batch norm, ReLU, convolution, batch norm, ReLU, convolution, plus the input), the second and the third group starting with stride 2, batch norm, ReLU, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution of what the block’s first ReLU gives. Layers conv_1, block1a/bn_1, block1a/conv_1, block1a/bn_2, block1a/conv_2, block1a/shortcut, …, bn_1, fc_1.
 */
export interface WideResnet1 {
  name: 'wide-resnet'
  /**
   * Layers with weights, 6n + 4: three groups of n blocks.
   */
  depth: 10 | 16 | 22 | 28 | 34 | 40
  /**
   * Times 16, 32 and 64: the channels of the three groups, rounded.
   */
  widenFactor: number
  /**
   * Rate between the convolutions of a block; in training only.
   */
  dropout: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * Depthwise separable convolutions after Howard et al. 2017, for small images: a 3×3 convolution of 32, blocks of a 3×3 depthwise convolution and a 1×1 convolution of 64, 128 (stride 2), 128, 256 (2), 256, 512 (2), 512 × repeats, 1024 (2), 1024 filters, batch norm and ReLU after each; global average, dense to classes. Layers conv_1, bn_1, block1/depthwise_1, block1/bn_1, block1/conv_1, block1/bn_2, …, fc_1.
 */
export interface Mobilenet1 {
  name: 'mobilenet'
  /**
   * Multiplies the channels and units of every hidden layer, rounded, at least 1.
   */
  widthFactor: number
  /**
   * Blocks of 512 filters after the first.
   */
  repeats: number
  /**
   * Of every batch norm; as of custom’s layer.
   */
  batchNorm?: {
    /**
     * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
     */
    epsilon?: number
    /**
     * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
     */
    statistics?: 'batch' | 'running'
    /**
     * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
     */
    momentum?: number
  }
}
/**
 * The layers that you list. Layers with parameters are named by kind and number.
 */
export interface Custom1 {
  name: 'custom'
  /**
   * From the examples to one number a class, first to last; at most 4000 with those in blocks.
   *
   * @minItems 1
   * @maxItems 1000
   *
   * Items: A layer.
   */
  layers: (
    | Dense5
    | Conv2D5
    | DepthwiseConv2D5
    | BatchNorm5
    | MaxPool5
    | AveragePool5
    | GlobalAveragePool5
    | Relu5
    | Tanh5
    | Gelu5
    | Dropout5
    | Flatten5
    | Silu5
    | Softplus5
    | LeakyRelu5
    | Embedding5
    | Positional5
    | LayerNorm5
    | RmsNorm5
    | GroupNorm5
    | MultiHeadAttention5
    | MeanOverTokens5
    | LastToken5
    | LastTokens5
    | Conv1D5
    | ImageToSequence5
    | Transpose5
    | Unembedding5
    | Residual1
    | Add1
    | Concatenate1
  )[]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense5 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D5 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D5 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm5 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool5 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool5 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool5 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu5 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh5 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu5 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout5 {
  kind: 'dropout'
  rate: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten5 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu5 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus5 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu5 {
  kind: 'leaky_relu'
  slope: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding5 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional5 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm5 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm5 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm5 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention5 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * Of all four projections.
   */
  bias: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens5 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken5 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens5 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D5 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size: number
  stride: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence5 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose5 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding5 {
  kind: 'unembedding'
}
/**
 * layers(x) + shortcut(x). Its layers are named block_1/conv_1, …, those of the shortcut block_1/shortcut_conv_1, …
 */
export interface Residual1 {
  kind: 'residual'
  /**
   * What is added to the shortcut.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: A layer inside a block.
   */
  layers: (
    | Dense6
    | Conv2D6
    | DepthwiseConv2D6
    | BatchNorm6
    | MaxPool6
    | AveragePool6
    | GlobalAveragePool6
    | Relu6
    | Tanh6
    | Gelu6
    | Dropout6
    | Flatten6
    | Silu6
    | Softplus6
    | LeakyRelu6
    | Embedding6
    | Positional6
    | LayerNorm6
    | RmsNorm6
    | GroupNorm6
    | MultiHeadAttention6
    | MeanOverTokens6
    | LastToken6
    | LastTokens6
    | Conv1D6
    | ImageToSequence6
    | Transpose6
    | Unembedding6
  )[]
  /**
   * The input itself where it is empty.
   *
   * @maxItems 100
   *
   * Items: A layer inside a block.
   */
  shortcut: (
    | Dense7
    | Conv2D7
    | DepthwiseConv2D7
    | BatchNorm7
    | MaxPool7
    | AveragePool7
    | GlobalAveragePool7
    | Relu7
    | Tanh7
    | Gelu7
    | Dropout7
    | Flatten7
    | Silu7
    | Softplus7
    | LeakyRelu7
    | Embedding7
    | Positional7
    | LayerNorm7
    | RmsNorm7
    | GroupNorm7
    | MultiHeadAttention7
    | MeanOverTokens7
    | LastToken7
    | LastTokens7
    | Conv1D7
    | ImageToSequence7
    | Transpose7
    | Unembedding7
  )[]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense6 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D6 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D6 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm6 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool6 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool6 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool6 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu6 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh6 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu6 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout6 {
  kind: 'dropout'
  rate: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten6 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu6 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus6 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu6 {
  kind: 'leaky_relu'
  slope: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding6 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional6 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm6 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm6 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm6 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention6 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * Of all four projections.
   */
  bias: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens6 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken6 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens6 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D6 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size: number
  stride: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence6 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose6 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding6 {
  kind: 'unembedding'
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense7 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D7 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D7 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm7 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool7 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool7 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool7 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu7 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh7 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu7 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout7 {
  kind: 'dropout'
  rate: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten7 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu7 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus7 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu7 {
  kind: 'leaky_relu'
  slope: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding7 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional7 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm7 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm7 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm7 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention7 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * Of all four projections.
   */
  bias: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens7 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken7 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens7 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D7 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size: number
  stride: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence7 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose7 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding7 {
  kind: 'unembedding'
}
/**
 * The sum of all branches, which end in one shape. Layers are named block_1/branch1_conv_1, ….
 */
export interface Add1 {
  kind: 'add'
  /**
   * What the same input goes through.
   *
   * @minItems 2
   * @maxItems 16
   */
  branches: (
    | Dense8
    | Conv2D8
    | DepthwiseConv2D8
    | BatchNorm8
    | MaxPool8
    | AveragePool8
    | GlobalAveragePool8
    | Relu8
    | Tanh8
    | Gelu8
    | Dropout8
    | Flatten8
    | Silu8
    | Softplus8
    | LeakyRelu8
    | Embedding8
    | Positional8
    | LayerNorm8
    | RmsNorm8
    | GroupNorm8
    | MultiHeadAttention8
    | MeanOverTokens8
    | LastToken8
    | LastTokens8
    | Conv1D8
    | ImageToSequence8
    | Transpose8
    | Unembedding8
  )[][]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense8 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D8 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D8 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm8 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool8 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool8 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool8 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu8 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh8 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu8 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout8 {
  kind: 'dropout'
  rate: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten8 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu8 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus8 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu8 {
  kind: 'leaky_relu'
  slope: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding8 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional8 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm8 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm8 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm8 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention8 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * Of all four projections.
   */
  bias: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens8 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken8 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens8 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D8 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size: number
  stride: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence8 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose8 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding8 {
  kind: 'unembedding'
}
/**
 * All branches side by side, along the last axis. Layers are named block_1/branch1_conv_1, ….
 */
export interface Concatenate1 {
  kind: 'concatenate'
  /**
   * What the same input goes through.
   *
   * @minItems 2
   * @maxItems 16
   */
  branches: (
    | Dense9
    | Conv2D9
    | DepthwiseConv2D9
    | BatchNorm9
    | MaxPool9
    | AveragePool9
    | GlobalAveragePool9
    | Relu9
    | Tanh9
    | Gelu9
    | Dropout9
    | Flatten9
    | Silu9
    | Softplus9
    | LeakyRelu9
    | Embedding9
    | Positional9
    | LayerNorm9
    | RmsNorm9
    | GroupNorm9
    | MultiHeadAttention9
    | MeanOverTokens9
    | LastToken9
    | LastTokens9
    | Conv1D9
    | ImageToSequence9
    | Transpose9
    | Unembedding9
  )[][]
}
/**
 * [n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …
 */
export interface Dense9 {
  kind: 'dense'
  /**
   * Outputs.
   */
  units: number
}
/**
 * [h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …
 */
export interface Conv2D9 {
  kind: 'conv2d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …
 */
export interface DepthwiseConv2D9 {
  kind: 'depthwise_conv2d'
  /**
   * Side of the filter.
   */
  size: number
  stride: number
  /**
   * Zeros around the image, or only where the filter lies within it.
   */
  padding: 'same' | 'valid'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …
 */
export interface BatchNorm9 {
  kind: 'batch_norm'
  /**
   * ε, added to the variance; 10⁻³ (PyTorch has 10⁻⁵) if absent.
   */
  epsilon?: number
  /**
   * What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.
   */
  statistics?: 'batch' | 'running'
  /**
   * m in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.
   */
  momentum?: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface MaxPool9 {
  kind: 'max_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]
 */
export interface AveragePool9 {
  kind: 'average_pool'
  /**
   * Side of a window, and the step to the next.
   */
  size: number
}
/**
 * [h, w, c] → [c]
 */
export interface GlobalAveragePool9 {
  kind: 'global_average_pool'
}
/**
 * max(x, 0)
 */
export interface Relu9 {
  kind: 'relu'
}
/**
 * tanh x
 */
export interface Tanh9 {
  kind: 'tanh'
}
/**
 * GELU in its tanh form.
 */
export interface Gelu9 {
  kind: 'gelu'
}
/**
 * In training only.
 */
export interface Dropout9 {
  kind: 'dropout'
  rate: number
}
/**
 * [h, w, c] → [h·w·c]
 */
export interface Flatten9 {
  kind: 'flatten'
}
/**
 * x·σ(x)
 */
export interface Silu9 {
  kind: 'silu'
}
/**
 * log(1 + eˣ)
 */
export interface Softplus9 {
  kind: 'softplus'
}
/**
 * x where it is positive, else slope·x
 */
export interface LeakyRelu9 {
  kind: 'leaky_relu'
  slope: number
}
/**
 * Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …
 */
export interface Embedding9 {
  kind: 'embedding'
  /**
   * Features of a token.
   */
  features: number
}
/**
 * Adds to a sequence [length, c] what says which place is which. Layers positional_1, …
 */
export interface Positional9 {
  kind: 'positional'
  /**
   * A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.
   */
  encoding: 'learned' | 'sinusoidal'
}
/**
 * γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …
 */
export interface LayerNorm9 {
  kind: 'layer_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …
 */
export interface RmsNorm9 {
  kind: 'rms_norm'
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …
 */
export interface GroupNorm9 {
  kind: 'group_norm'
  /**
   * Groups of successive channels; they divide the channels.
   */
  groups: number
  /**
   * ε, added to the variance; 10⁻⁵ if absent.
   */
  epsilon?: number
}
/**
 * [length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.
 */
export interface MultiHeadAttention9 {
  kind: 'multi_head_attention'
  /**
   * Heads.
   */
  heads: number
  /**
   * Channels of one head.
   */
  headSize: number
  /**
   * Whether a place sees itself and those before it only.
   */
  causal: boolean
  /**
   * Of all four projections.
   */
  bias: boolean
}
/**
 * [length, c] → [c]
 */
export interface MeanOverTokens9 {
  kind: 'mean_over_tokens'
}
/**
 * [length, c] → [c]
 */
export interface LastToken9 {
  kind: 'last_token'
}
/**
 * [length, c] → [count, c]: of a dataset that has labels at its last places, those.
 */
export interface LastTokens9 {
  kind: 'last_tokens'
  /**
   * Places.
   */
  count: number
}
/**
 * [length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …
 */
export interface Conv1D9 {
  kind: 'conv1d'
  /**
   * Output channels.
   */
  filters: number
  /**
   * Places that a filter sees.
   */
  size: number
  stride: number
  /**
   * Zeros around the sequence, none, or before it only.
   */
  padding: 'same' | 'valid' | 'causal'
  /**
   * Whether there is one; before batch norm it has no effect.
   */
  bias: boolean
}
/**
 * [h, w, c] → [h·w, c], row by row
 */
export interface ImageToSequence9 {
  kind: 'image_to_sequence'
}
/**
 * [length, c] → [c, length]
 */
export interface Transpose9 {
  kind: 'transpose'
}
/**
 * […, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.
 */
export interface Unembedding9 {
  kind: 'unembedding'
}
/**
 * −Σ target·log softmax(outputs)
 */
export interface CrossEntropy1 {
  name: 'cross-entropy'
  /**
   * s: the target is (1 − s)·onehot(label) + s/classes.
   */
  labelSmoothing: number
}
/**
 * The mean over classes of (output − onehot(label))²; where targets are numbers, over these of (output − target)².
 */
export interface MeanSquaredError1 {
  name: 'mean-squared-error'
}
export interface Sgd1 {
  name: 'sgd'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant6 | Step6 | Cosine6 | Warmup6 | WarmupCosine6
  /**
   * v ← momentum·v + g
   */
  momentum: number
  /**
   * Step along g + momentum·v instead of v; needs momentum > 0.
   */
  nesterov: boolean
}
export interface Constant6 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step6 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine6 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup6 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine6 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
export interface Rmsprop1 {
  name: 'rmsprop'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant7 | Step7 | Cosine7 | Warmup7 | WarmupCosine7
  /**
   * Decay of the mean of squared gradients.
   */
  decay: number
  /**
   * v ← momentum·v + g/(√s + epsilon)
   */
  momentum: number
  /**
   * Added to the root in the denominator.
   */
  epsilon: number
}
export interface Constant7 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step7 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine7 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup7 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine7 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
export interface Adam1 {
  name: 'adam'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant8 | Step8 | Cosine8 | Warmup8 | WarmupCosine8
  /**
   * Decay of the first moment.
   */
  beta1: number
  /**
   * Decay of the second moment.
   */
  beta2: number
  /**
   * Added to the root in the denominator.
   */
  epsilon: number
}
export interface Constant8 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step8 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine8 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup8 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine8 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
export interface Adamw1 {
  name: 'adamw'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant9 | Step9 | Cosine9 | Warmup9 | WarmupCosine9
  /**
   * Decay of the first moment.
   */
  beta1: number
  /**
   * Decay of the second moment.
   */
  beta2: number
  /**
   * Added to the root in the denominator.
   */
  epsilon: number
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay: number
}
export interface Constant9 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step9 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine9 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup9 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine9 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * sgd with decoupled weight decay.
 */
export interface Sgdw1 {
  name: 'sgdw'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant10 | Step10 | Cosine10 | Warmup10 | WarmupCosine10
  /**
   * v ← momentum·v + g
   */
  momentum: number
  /**
   * Step along g + momentum·v instead of v; needs momentum > 0.
   */
  nesterov: boolean
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay: number
}
export interface Constant10 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step10 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine10 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup10 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine10 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * θ ← θ − rate·sign(beta1·m + (1 − beta1)·g), then m ← beta2·m + (1 − beta2)·g.
 */
export interface Lion1 {
  name: 'lion'
  /**
   * Step size.
   */
  learningRate: number
  schedule: Constant11 | Step11 | Cosine11 | Warmup11 | WarmupCosine11
  /**
   * Of the momentum in the direction whose sign is the step.
   */
  beta1: number
  /**
   * Decay of the momentum.
   */
  beta2: number
  /**
   * Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.
   */
  weightDecay: number
}
export interface Constant11 {
  name: 'constant'
}
/**
 * rate · factor^(number of boundaries ≤ t)
 */
export interface Step11 {
  name: 'step'
  /**
   * Iterations at which the learning rate is multiplied by `factor`, ascending.
   *
   * @minItems 1
   * @maxItems 1000
   */
  boundaries: number[]
  factor: number
}
/**
 * rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final
 */
export interface Cosine11 {
  name: 'cosine'
  /**
   * Length of the half period; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * rate · min(1, (t + 1)/iterations)
 */
export interface Warmup11 {
  name: 'warmup'
  /**
   * Iterations of linear rise.
   */
  iterations: number
}
/**
 * rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final
 */
export interface WarmupCosine11 {
  name: 'warmup-cosine'
  /**
   * Iterations of linear rise; fewer than iterations.
   */
  warmup: number
  /**
   * Where the half period ends that begins after the rise; the training’s iterations if absent.
   */
  iterations: number
  /**
   * Fraction of the rate at the end.
   */
  final: number
}
/**
 * How far an experiment is.
 */
export interface Progress {
  /**
   * What is being done; for a failed or cancelled experiment, what was being done when it stopped.
   */
  phase: 'queued' | 'training' | 'allocating' | 'finalizing' | 'finished'
  /**
   * Iterations of this phase that are done.
   */
  done: number
  /**
   * Iterations of this phase.
   */
  total: number
  /**
   * Seconds until the phase is done, at the pace since its first iterations were done; null where there is no pace yet.
   */
  etaSeconds: number | null
}
/**
 * Why the ledger of a split is not to be believed: its books do not balance. Steps were so long that the quadrature did not follow the loss along them; sums, signs and shares of layers can all be wrong.
 */
export interface Unbalanced {
  /**
   * Which rules are broken. maxError: more than a hundredth of the iterations, and more than one, have a |residual| above maxError at maxSplits, and the sum of |residual| is above a hundredth of the way of the loss. residuals: the sum of |residual| is above a tenth of the way of the loss. total: the sum of the residuals is above a tenth of the change of the loss, so that LCA may have the wrong sign. The last two only above √iterations × maxError (but within 0.00001 and 0.001), so that a loss that hardly changes is no fault.
   */
  rules: ('maxError' | 'residuals' | 'total')[]
  /**
   * Iterations that are allocated.
   */
  iterations: number
  /**
   * Those whose |residual| is above maxError at maxSplits.
   */
  above: number
  /**
   * Sum of the residuals: lossChange − LCA.
   */
  residual: number | null
  /**
   * Sum of |residual|.
   */
  absoluteResidual: number | null
  /**
   * The change of the loss over these iterations.
   */
  lossChange: number | null
  /**
   * The way of the loss: the sum of the sizes of its changes, up and down.
   */
  lossTravel: number | null
  /**
   * All of it in words.
   */
  message: string
}
/**
 * What came of an experiment that has succeeded.
 */
export interface ExperimentSummary {
  /**
   * Trainable parameters.
   */
  parameters: number
  iterations: number
  /**
   * Of every split that was allocated, over the whole run.
   */
  splits: {
    train?: {
      /**
       * Losses, accuracies and allocations are over so many examples of the split: all, or a sample of them. Earlier versions did not say.
       */
      examples?: number
      /**
       * Examples of the split.
       */
      of?: number
      loss: {
        /**
         * The loss over the split, or its sample, before the first iteration.
         */
        initial: number | null
        /**
         * The loss over the split, or its sample, after the last.
         */
        final: number | null
      }
      accuracy: {
        /**
         * The share of examples that are classified as labelled; null where their targets are numbers: before the first iteration.
         */
        initial: number | null
        /**
         * The share of examples that are classified as labelled; null where their targets are numbers: after the last.
         */
        final: number | null
      }
      /**
       * Sum of all allocations.
       */
      lca: number | null
      /**
       * Of lca, as an estimate for the whole split, where a sample of it is allocated; else null.
       */
      standardError?: number | null
      /**
       * Sum of the negative ones.
       */
      helping: number | null
      /**
       * Sum of the positive ones.
       */
      hurting: number | null
      /**
       * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
       */
      helpFractionOfMoved: number | null
      /**
       * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
       */
      helpFractionOfAll: number | null
      /**
       * The largest |residual| of any iteration.
       */
      worstResidual: number | null
      /**
       * Numbers of the whole run that the diagnostics give, as name.figure: …/diagnostics says what each is. Null where there is none to give; absent where none was recorded.
       */
      diagnostics?: {
        /**
         * A figure.
         */
        [k: string]: number | null
      }
    }
    validation?: {
      /**
       * Losses, accuracies and allocations are over so many examples of the split: all, or a sample of them. Earlier versions did not say.
       */
      examples?: number
      /**
       * Examples of the split.
       */
      of?: number
      loss: {
        /**
         * The loss over the split, or its sample, before the first iteration.
         */
        initial: number | null
        /**
         * The loss over the split, or its sample, after the last.
         */
        final: number | null
      }
      accuracy: {
        /**
         * The share of examples that are classified as labelled; null where their targets are numbers: before the first iteration.
         */
        initial: number | null
        /**
         * The share of examples that are classified as labelled; null where their targets are numbers: after the last.
         */
        final: number | null
      }
      /**
       * Sum of all allocations.
       */
      lca: number | null
      /**
       * Of lca, as an estimate for the whole split, where a sample of it is allocated; else null.
       */
      standardError?: number | null
      /**
       * Sum of the negative ones.
       */
      helping: number | null
      /**
       * Sum of the positive ones.
       */
      hurting: number | null
      /**
       * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
       */
      helpFractionOfMoved: number | null
      /**
       * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
       */
      helpFractionOfAll: number | null
      /**
       * The largest |residual| of any iteration.
       */
      worstResidual: number | null
      /**
       * Numbers of the whole run that the diagnostics give, as name.figure: …/diagnostics says what each is. Null where there is none to give; absent where none was recorded.
       */
      diagnostics?: {
        /**
         * A figure.
         */
        [k: string]: number | null
      }
    }
  }
  /**
   * The splits whose books do not balance: their LCA is not to be believed. Null where all balance.
   */
  unbalanced: {
    train?: Unbalanced
    validation?: Unbalanced
  } | null
  /**
   * What can be said of the experiment: …/findings has all of it. Absent in what earlier versions finished.
   */
  findings?: {
    /**
     * How many there are.
     */
    count: number
    /**
     * The three that matter most, or fewer.
     */
    largest: {
      /**
       * Which rule says it; docs/diagnostics.md has them.
       */
      rule:
        | 'diverged'
        | 'unbalanced'
        | 'rising'
        | 'hurting'
        | 'overfitting'
        | 'overshooting'
        | 'damage'
        | 'momentum'
        | 'dead'
      /**
       * Which loss.
       */
      split: 'train' | 'validation'
      /**
       * The layer’s name; null: the whole network.
       */
      layer: string | null
      /**
       * One sentence, with the numbers and their interval.
       */
      statement: string
      /**
       * Loss that it is about, by which findings are ordered; null where a loss is not finite.
       */
      atStake: number | null
    }[]
  }
  /**
   * Which policy ended training, after how many iterations of those that were asked for; the spec has those that there were. Null where none did.
   */
  ended?: {
    policy: 'stopOverfitting'
    iterations: number
    asked: number
  } | null
  /**
   * Full-split gradients computed, over all splits.
   */
  gradients: number
  /**
   * Of computing, summed over the segments.
   */
  allocationSeconds: number | null
}
/**
 * An experiment without its spec.
 */
export interface ExperimentListItem {
  /**
   * A UUID (version 7).
   */
  id: string
  /**
   * Yours.
   */
  name: string | null
  /**
   * Yours.
   */
  tags: {
    [k: string]: string
  }
  status: ExperimentStatus
  /**
   * The name of the dataset.
   */
  dataset: string
  /**
   * The name of the architecture.
   */
  architecture: string
  /**
   * Optimizer steps: asked for, or, where a policy ended training, made.
   */
  iterations: number
  /**
   * The sweep that it belongs to.
   */
  sweepId: string | null
  /**
   * The label of its variant in that sweep.
   */
  variant: string | null
  /**
   * What it starts from (training.initial), which may have been deleted since; state: it goes on with that training.
   */
  parent: {
    experiment: string
    iteration: number
    state: boolean
  } | null
  progress: Progress
  /**
   * Null until the experiment has succeeded.
   */
  summary: ExperimentSummary | null
  /**
   * What it takes up so far.
   */
  bytes: {
    /**
     * Of its artifacts: raw tensors, manifest.
     */
    objects: number
    /**
     * Of its tables in PostgreSQL.
     */
    ledger: number
  }
  /**
   * The worker that took it.
   */
  worker: string | null
  /**
   * What computed: name, version, threads, device.
   */
  engine: {
    [k: string]: unknown
  } | null
  /**
   * How many times work on it began.
   */
  attempts: number
  /**
   * Why the experiment failed.
   */
  error: {
    message: string
    errors?: FieldError[]
  } | null
  /**
   * When it was posted.
   */
  createdAt: string
  /**
   * When training began.
   */
  startedAt: string | null
  /**
   * When allocation began.
   */
  allocatingAt: string | null
  /**
   * When it succeeded, failed or was cancelled.
   */
  finishedAt: string | null
  /**
   * When anything about it last changed.
   */
  updatedAt: string
  /**
   * What `field` asked for, by field; null where the experiment has no such thing.
   */
  values?: {
    [k: string]: unknown
  }
}
export interface FieldError {
  /**
   * Where: $.training.batchSize in a body, query.limit, params.id or headers.idempotency-key.
   */
  path: string
  /**
   * What is wrong and what would be right.
   */
  message: string
}
/**
 * The place of a queued experiment in line. Experiments have turns by what they cost.
 */
export interface QueuePlace {
  /**
   * 1: the next of those that wait.
   */
  position: number
  /**
   * What comes before it.
   */
  ahead: {
    /**
     * That wait or run, with work that is due before.
     */
    experiments: number
    /**
     * Of theirs that are due before.
     */
    segments: number
    /**
     * Until its turn comes, at the pace of the last segments and with the workers that live; null where there is no pace or no worker.
     */
    seconds: number | null
  }
}
/**
 * An experiment: what was asked for, how far it is, what came of it.
 */
export interface Experiment {
  /**
   * A UUID (version 7).
   */
  id: string
  /**
   * Yours.
   */
  name: string | null
  /**
   * Yours.
   */
  tags: {
    [k: string]: string
  }
  status: ExperimentStatus
  /**
   * The name of the dataset.
   */
  dataset: string
  /**
   * The name of the architecture.
   */
  architecture: string
  /**
   * Optimizer steps: asked for, or, where a policy ended training, made.
   */
  iterations: number
  /**
   * The sweep that it belongs to.
   */
  sweepId: string | null
  /**
   * The label of its variant in that sweep.
   */
  variant: string | null
  /**
   * What it starts from (training.initial), which may have been deleted since; state: it goes on with that training.
   */
  parent: {
    experiment: string
    iteration: number
    state: boolean
  } | null
  progress: Progress
  /**
   * Null until the experiment has succeeded.
   */
  summary: ExperimentSummary | null
  /**
   * What it takes up so far.
   */
  bytes: {
    /**
     * Of its artifacts: raw tensors, manifest.
     */
    objects: number
    /**
     * Of its tables in PostgreSQL.
     */
    ledger: number
  }
  /**
   * The worker that took it.
   */
  worker: string | null
  /**
   * What computed: name, version, threads, device.
   */
  engine: {
    [k: string]: unknown
  } | null
  /**
   * How many times work on it began.
   */
  attempts: number
  /**
   * Why the experiment failed.
   */
  error: {
    message: string
    errors?: FieldError[]
  } | null
  /**
   * When it was posted.
   */
  createdAt: string
  /**
   * When training began.
   */
  startedAt: string | null
  /**
   * When allocation began.
   */
  allocatingAt: string | null
  /**
   * When it succeeded, failed or was cancelled.
   */
  finishedAt: string | null
  /**
   * When anything about it last changed.
   */
  updatedAt: string
  /**
   * Yours, in plain text.
   */
  notes: string | null
  /**
   * Its place in line; null when it is not queued.
   */
  queue: QueuePlace | null
  /**
   * What starts from it, the newest 100: GET /v1/experiments?where=spec.training.initial.experiment = ID has all.
   */
  branches: {
    id: string
    /**
     * Yours.
     */
    name: string | null
    /**
     * Of this experiment, from which it starts.
     */
    iteration: number
    status: ExperimentStatus
  }[]
  spec: ResolvedSpec1
}
/**
 * The spec with every default filled in.
 */
export interface ResolvedSpec1 {
  name?: string
  /**
   * Your own labels, keys without colons; GET /v1/experiments?tag=key:value finds them.
   */
  tags: {
    [k: string]: string
  }
  dataset: {
    /**
     * synthetic-digits, mnist, fashion-mnist, cifar-10, modular-arithmetic, addition, copy-and-induction, parity, spirals, or one of yours (POST /v1/datasets).
     */
    name: string
    /**
     * Which examples an uploaded dataset has, filled in from its name. Given, it must be the digest of the dataset of that name: so a spec means the same data, or is refused.
     */
    sha256?: string
    /**
     * Examples in the train split.
     */
    trainExamples: number
    /**
     * Examples in the validation split; 0 is allowed when only train is allocated. If absent, the dataset’s default or what is left beside trainExamples.
     */
    validationExamples: number
    /**
     * Picks the examples (and, where they are generated, draws them). When every example of a file is asked for, their order is the file’s.
     */
    seed: number
    /**
     * What is done with the values of examples before the network sees them, in training and in the loss that is allocated. If absent, bytes are divided by 255 (unit), and numbers are as they are (none). Not for tokens.
     */
    normalization?: None1 | Unit1 | PerChannel1
    /**
     * modular-arithmetic: the modulus (97); a prime for divide.
     */
    p?: number
    /**
     * modular-arithmetic: what is done with a and b modulo p (add).
     */
    operation?: 'add' | 'subtract' | 'multiply' | 'divide'
    /**
     * modular-arithmetic: the share of all pairs to train on (0.5), rounded; the rest is validated on. Instead of trainExamples.
     */
    fraction?: number
    /**
     * addition: digits of each number (3).
     */
    digits?: number
    /**
     * addition: whether the sum has its last digit first, as carries run (false).
     */
    reversed?: boolean
    /**
     * copy-and-induction: a segment of distinct tokens again and again, with a period that differs from example to example (induction), or once more after a separator (copy). induction if absent.
     */
    task?: 'induction' | 'copy'
    /**
     * copy-and-induction: tokens (32).
     */
    vocabulary?: number
    /**
     * copy-and-induction: the longest segment (16); at most vocabulary for induction.
     */
    length?: number
    /**
     * parity: bits of an example (10).
     */
    bits?: number
    /**
     * parity: how many of the bits, drawn by the seed, count; all if absent.
     */
    relevant?: number
    /**
     * parity: whether the bits are tokens 0 and 1 rather than the numbers −1 and 1 (false).
     */
    tokens?: boolean
    /**
     * spirals: arms, a class each (3).
     */
    classes?: number
    /**
     * spirals: how often an arm goes round (1).
     */
    turns?: number
    /**
     * spirals: standard deviation of what is added to both coordinates (0.05).
     */
    noise?: number
  }
  /**
   * The network: of 1 to 134,217,728 parameters (2^27).
   */
  architecture:
    | Fc1
    | Lenet1
    | AllCnn1
    | Resnet1
    | Vgg1
    | Transformer1
    | Vit1
    | MlpMixer1
    | WideResnet1
    | Mobilenet1
    | Custom1
  /**
   * What is trained on and allocated, the mean over examples; where an example has several labels, its loss is the mean over them. If absent, cross-entropy; mean-squared-error where targets are numbers.
   */
  loss?: CrossEntropy1 | MeanSquaredError1
  optimizer: Sgd1 | Rmsprop1 | Adam1 | Adamw1 | Sgdw1 | Lion1
  /**
   * Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.
   */
  layers: {
    [k: string]: {
      freeze?:
        | boolean
        | {
            /**
             * First frozen iteration.
             */
            from?: number
            /**
             * First iteration that trains again; never if absent.
             */
            until?: number
          }
      /**
       * Replaces training.l2 for the kernels of this layer.
       */
      l2?: number
      /**
       * Replaces hyperparameters for this layer: those that its optimizer has.
       */
      optimizer?: {
        /**
         * Another optimizer for this layer, with its defaults but for the learning rate and the schedule, which stay; so, too, where a rule goes back to the experiment’s own.
         */
        name?: 'sgd' | 'rmsprop' | 'adam' | 'adamw' | 'sgdw' | 'lion'
        /**
         * Step size.
         */
        learningRate?: number
        momentum?: number
        nesterov?: boolean
        decay?: number
        beta1?: number
        beta2?: number
        epsilon?: number
        weightDecay?: number
      }
    }
  }
  training: {
    /**
     * Optimizer steps. Required, but with a trajectory: all of its steps if absent.
     */
    iterations: number
    /**
     * The id of a training that happened elsewhere (POST /v1/trajectories): its weights are allocated, nothing is trained. Architecture, optimizer and iterations are the trajectory’s where the spec has none; an iteration is one of its recorded steps.
     */
    trajectory?: string
    /**
     * Examples a step; at most trainExamples, which it also is by default where that is below 250. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped. A batch may hold 64 GiB of activations and their gradients.
     */
    batchSize: number
    /**
     * Seeds the initial weights, the shuffles and the dropout masks.
     */
    seed: number
    /**
     * Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).
     */
    l2: number
    /**
     * Multiplies the gradient that is trained on by min(1, clipNorm/‖g‖), ‖g‖ over all layers that are not frozen, l2 included. If absent, it is not clipped.
     */
    clipNorm?: number
    /**
     * Of images, in training only: drawn from the seed, never in the loss that is allocated.
     */
    augmentation?: {
      /**
       * Left to right, every second image or so.
       */
      flip: boolean
      /**
       * Zeros around the image, out of which one of its size is cut anywhere.
       */
      crop: number
    }
    /**
     * The weights that are stored and allocated are the exponential average of those that are trained, w ← w + (1 − β)·(θ − w) after each iteration, w₀ = θ₀. Training is the same without. If absent, those that are trained.
     */
    average?: {
      /**
       * β: the average keeps so much of itself with each iteration.
       */
      decay: number
      /**
       * Until this iteration the average is the weights themselves.
       */
      from: number
    }
    /**
     * Start from the weights of an earlier experiment instead of drawing them. Shuffles and dropout masks are still the seed’s, and optimizers start afresh, but with state.
     */
    initial?: {
      /**
       * The id of an experiment of the same network that has succeeded and kept its weights.
       */
      experiment: string
      /**
       * Which of its weights: 0 is what it started from, its iterations what it ended with.
       */
      iteration: number
      /**
       * Go on with its training, as if it had not ended there: with its optimizers’ state (where a layer’s optimizer is still of the same kind), and with learning-rate schedules, freezes, shuffles and dropout masks at the iteration that would have come next. What nothing is changed of has the bits of the training that went on. Its training is repeated up to there, on the same kind of device.
       */
      state?: boolean
    }
    /**
     * The optimizer proposes a step, the ledger judges it, and a part of it is taken. Iterations count as in freezes and schedules. What was chosen, and what came of it, is at …/diagnostics/interventions; the allocation is of the steps that were taken.
     */
    intervention?: {
      /**
       * What is taken of the step: the part of those whose LCA is below 0, or above 0; or, to compare these with, the part of as many as help, drawn from the seed in each layer (by layer: as many layers), or the whole step, in each layer as short as the helpers’ part of it is (by layer: the whole network’s).
       */
      update: 'helpers' | 'hurters' | 'random' | 'shrink'
      /**
       * Whose LCA decides: each parameter’s, or the sum over a unit, or a layer, which move together.
       */
      by: 'parameter' | 'unit' | 'layer'
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * First iteration that is judged.
       */
      from: number
      /**
       * First iteration that is not judged any more; to the end if absent.
       */
      until?: number
      /**
       * Every so many iterations, from `from` on.
       */
      every: number
      /**
       * What the optimizer’s memory sees: the whole gradient, or only the part of it whose step is taken (with shrink: as much smaller as the step).
       */
      state: 'whole' | 'masked'
    }
    /**
     * Training judges the steps that it has taken, and acts on that: each decision is a row of …/diagnostics/policies, and an event.
     */
    policy?: {
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * Every so many steps are judged; each by itself costs a gradient more than one that follows another.
       */
      every: number
      /**
       * Freezes a layer whose LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself.
       */
      freezeHurting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * Iterations that it is frozen for; to the end if absent.
         */
        for?: number
      }
      /**
       * Ends training where the network’s LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself. The experiment then has so many iterations.
       */
      stopOverfitting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
      }
      /**
       * Lowers the momentum of a layer in which what earlier gradients still push has an LCA over the last steps that is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself; it is looked at again after as many steps, and the momentum restored once it is not.
       */
      quietMomentum?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * What the momentum of the layer is multiplied by.
         */
        factor: number
      }
    }
  }
  allocation: {
    /**
     * Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.
     */
    method: 'left' | 'trapezoid' | 'simpson' | 'boole'
    /**
     * Split the step further while |residual| is above this on any split.
     */
    maxError: number
    /**
     * Most parts a step is split into; a power of two.
     */
    maxSplits: number
    /**
     * Which losses are allocated; both, or train alone if validationExamples is 0.
     *
     * @minItems 1
     * @maxItems 2
     *
     * Items: A split of the dataset.
     */
    splits: ('train' | 'validation')[]
    /**
     * Allocates the loss over so many examples of each split, drawn once by the seeds, instead of over the split: as many times fewer operations, and every layer’s LCA comes with the standard error that it has as an estimate for the whole split. At most the larger allocated split; a smaller one that has no more is allocated whole. With batch norm whole chunks are drawn, so it is a multiple of chunkSize. If absent, every split is allocated whole.
     */
    examples?: number
    chunkSize: number
    /**
     * Iterations an object in storage and a job hold.
     */
    segmentIterations: number
    /**
     * What is recorded beside the allocations, by name: true, options, or false. Those that cost next to nothing are on by default.
     */
    diagnostics?: {
      /**
       * How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.
       */
      curvature?: boolean
      /**
       * Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.
       */
      oscillation?: boolean
      /**
       * How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.
       */
      tails?: boolean
      /**
       * Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.
       */
      units?: boolean
      /**
       * Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.
       */
      windows?: boolean
      /**
       * The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below 5 chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.
       */
      uncertainty?: boolean
      /**
       * The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.
       */
      counterfactuals?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
      /**
       * LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².
       */
      components?: boolean
      /**
       * The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.
       */
      fisher?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
            /**
             * Examples of each split that it looks at; of one that has fewer, all.
             */
            examples: number
          }
      /**
       * LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.
       */
      classes?: boolean
      /**
       * The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.
       */
      sharpness?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
    }
  }
  /**
   * Raw tensors to keep in object storage: both by default; [] keeps the aggregates (those per neuron included) and the manifest only.
   *
   * @maxItems 2
   */
  keep: ('weights' | 'allocations')[]
  /**
   * Webhooks: POSTs of { type: "experiment.<status>", timestamp, data } when the status changes, signed with the secret of GET /v1/webhooks/secret.
   *
   * @maxItems 5
   */
  notify?: {
    /**
     * http or https, without a user name or password; at a public address.
     */
    url: string
    /**
     * The statuses to tell of.
     *
     * @minItems 1
     * @maxItems 5
     */
    events: ('training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled')[]
  }[]
}
export interface ExtendBody {
  /**
   * How many iterations there are to be in all, as in training.iterations: more than there are.
   */
  iterations: number
}
/**
 * How many examples of a split are allocated, of how many.
 */
export interface SampleSize {
  examples: number
  of: number
}
/**
 * What judging steps costs.
 */
export interface JudgingCost {
  /**
   * Steps that are judged.
   */
  iterations: number
  /**
   * Examples that each gradient and pass takes.
   */
  examples: number
  /**
   * Over these examples.
   */
  gradients: number
  /**
   * Over these examples, without a gradient.
   */
  forwardPasses: number
}
/**
 * What an experiment would be and would cost.
 */
export interface Preview {
  spec: ResolvedSpec2
  /**
   * In the order of the network.
   */
  layers: {
    layer: string
    parameters: number
    /**
     * The optimizer of this layer, after the rules of `layers`.
     */
    optimizer: {
      [k: string]: unknown
    }
    /**
     * Frozen in [from, until); until null: to the end.
     */
    freeze: {
      from: number
      until: number | null
    } | null
    /**
     * Of its kernels.
     */
    l2: number
  }[]
  /**
   * In the order of the columns of the raw tensors.
   */
  variables: {
    name: string
    layer: string
    shape: number[]
    offset: number
    size: number
  }[]
  parameters: number
  /**
   * Jobs that the allocation spreads over the workers.
   */
  segments: number
  /**
   * Gradients over the whole split, per split, at the least: refining adds more.
   */
  gradientPasses: {
    [k: string]: number
  }
  /**
   * Of each allocated split: how many of its examples every gradient takes, of how many.
   */
  examples: {
    [k: string]: SampleSize
  }
  /**
   * What allocation.examples spares at the least: gradients of single examples, and floating-point operations. 0 where it is not given.
   */
  saved: {
    gradients: number
    flops: number
  }
  /**
   * What training takes, at the most, to judge steps before it takes a part of them, and to judge those that it has taken; 0 where it does not.
   */
  judging: {
    intervention: JudgingCost
    policy: JudgingCost
  }
  /**
   * Of training, of allocation at the least, and of one segment at the most, where every step is split to the limit.
   */
  flops: {
    training: number
    allocation: number
    segment: number
  }
  /**
   * In object storage; peak is while it runs, kept is what stays.
   */
  bytes: {
    weights: number
    allocations: number
    neurons: number
    kept: number
    peak: number
  }
  rows: {
    iterations: number
    allocations: number
    total: number
  }
  /**
   * What each diagnostic that is recorded adds, by name.
   */
  diagnostics: {
    [k: string]: {
      /**
       * Full gradients, over all splits.
       */
      gradients: number
      /**
       * Passes over all examples without a gradient.
       */
      forwardPasses: number
      /**
       * Floating-point operations of these. Single examples (fisher) take a machine longer than their operations say.
       */
      flops: number
      /**
       * Of its tables.
       */
      rows: number
      /**
       * Of its tables, in the database.
       */
      bytes: number
      /**
       * What of it there will not be, and what would have to be set for it.
       */
      note?: string
    }
  }
}
/**
 * The spec with every default filled in.
 */
export interface ResolvedSpec2 {
  name?: string
  /**
   * Your own labels, keys without colons; GET /v1/experiments?tag=key:value finds them.
   */
  tags: {
    [k: string]: string
  }
  dataset: {
    /**
     * synthetic-digits, mnist, fashion-mnist, cifar-10, modular-arithmetic, addition, copy-and-induction, parity, spirals, or one of yours (POST /v1/datasets).
     */
    name: string
    /**
     * Which examples an uploaded dataset has, filled in from its name. Given, it must be the digest of the dataset of that name: so a spec means the same data, or is refused.
     */
    sha256?: string
    /**
     * Examples in the train split.
     */
    trainExamples: number
    /**
     * Examples in the validation split; 0 is allowed when only train is allocated. If absent, the dataset’s default or what is left beside trainExamples.
     */
    validationExamples: number
    /**
     * Picks the examples (and, where they are generated, draws them). When every example of a file is asked for, their order is the file’s.
     */
    seed: number
    /**
     * What is done with the values of examples before the network sees them, in training and in the loss that is allocated. If absent, bytes are divided by 255 (unit), and numbers are as they are (none). Not for tokens.
     */
    normalization?: None1 | Unit1 | PerChannel1
    /**
     * modular-arithmetic: the modulus (97); a prime for divide.
     */
    p?: number
    /**
     * modular-arithmetic: what is done with a and b modulo p (add).
     */
    operation?: 'add' | 'subtract' | 'multiply' | 'divide'
    /**
     * modular-arithmetic: the share of all pairs to train on (0.5), rounded; the rest is validated on. Instead of trainExamples.
     */
    fraction?: number
    /**
     * addition: digits of each number (3).
     */
    digits?: number
    /**
     * addition: whether the sum has its last digit first, as carries run (false).
     */
    reversed?: boolean
    /**
     * copy-and-induction: a segment of distinct tokens again and again, with a period that differs from example to example (induction), or once more after a separator (copy). induction if absent.
     */
    task?: 'induction' | 'copy'
    /**
     * copy-and-induction: tokens (32).
     */
    vocabulary?: number
    /**
     * copy-and-induction: the longest segment (16); at most vocabulary for induction.
     */
    length?: number
    /**
     * parity: bits of an example (10).
     */
    bits?: number
    /**
     * parity: how many of the bits, drawn by the seed, count; all if absent.
     */
    relevant?: number
    /**
     * parity: whether the bits are tokens 0 and 1 rather than the numbers −1 and 1 (false).
     */
    tokens?: boolean
    /**
     * spirals: arms, a class each (3).
     */
    classes?: number
    /**
     * spirals: how often an arm goes round (1).
     */
    turns?: number
    /**
     * spirals: standard deviation of what is added to both coordinates (0.05).
     */
    noise?: number
  }
  /**
   * The network: of 1 to 134,217,728 parameters (2^27).
   */
  architecture:
    | Fc1
    | Lenet1
    | AllCnn1
    | Resnet1
    | Vgg1
    | Transformer1
    | Vit1
    | MlpMixer1
    | WideResnet1
    | Mobilenet1
    | Custom1
  /**
   * What is trained on and allocated, the mean over examples; where an example has several labels, its loss is the mean over them. If absent, cross-entropy; mean-squared-error where targets are numbers.
   */
  loss?: CrossEntropy1 | MeanSquaredError1
  optimizer: Sgd1 | Rmsprop1 | Adam1 | Adamw1 | Sgdw1 | Lion1
  /**
   * Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.
   */
  layers: {
    [k: string]: {
      freeze?:
        | boolean
        | {
            /**
             * First frozen iteration.
             */
            from?: number
            /**
             * First iteration that trains again; never if absent.
             */
            until?: number
          }
      /**
       * Replaces training.l2 for the kernels of this layer.
       */
      l2?: number
      /**
       * Replaces hyperparameters for this layer: those that its optimizer has.
       */
      optimizer?: {
        /**
         * Another optimizer for this layer, with its defaults but for the learning rate and the schedule, which stay; so, too, where a rule goes back to the experiment’s own.
         */
        name?: 'sgd' | 'rmsprop' | 'adam' | 'adamw' | 'sgdw' | 'lion'
        /**
         * Step size.
         */
        learningRate?: number
        momentum?: number
        nesterov?: boolean
        decay?: number
        beta1?: number
        beta2?: number
        epsilon?: number
        weightDecay?: number
      }
    }
  }
  training: {
    /**
     * Optimizer steps. Required, but with a trajectory: all of its steps if absent.
     */
    iterations: number
    /**
     * The id of a training that happened elsewhere (POST /v1/trajectories): its weights are allocated, nothing is trained. Architecture, optimizer and iterations are the trajectory’s where the spec has none; an iteration is one of its recorded steps.
     */
    trajectory?: string
    /**
     * Examples a step; at most trainExamples, which it also is by default where that is below 250. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped. A batch may hold 64 GiB of activations and their gradients.
     */
    batchSize: number
    /**
     * Seeds the initial weights, the shuffles and the dropout masks.
     */
    seed: number
    /**
     * Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).
     */
    l2: number
    /**
     * Multiplies the gradient that is trained on by min(1, clipNorm/‖g‖), ‖g‖ over all layers that are not frozen, l2 included. If absent, it is not clipped.
     */
    clipNorm?: number
    /**
     * Of images, in training only: drawn from the seed, never in the loss that is allocated.
     */
    augmentation?: {
      /**
       * Left to right, every second image or so.
       */
      flip: boolean
      /**
       * Zeros around the image, out of which one of its size is cut anywhere.
       */
      crop: number
    }
    /**
     * The weights that are stored and allocated are the exponential average of those that are trained, w ← w + (1 − β)·(θ − w) after each iteration, w₀ = θ₀. Training is the same without. If absent, those that are trained.
     */
    average?: {
      /**
       * β: the average keeps so much of itself with each iteration.
       */
      decay: number
      /**
       * Until this iteration the average is the weights themselves.
       */
      from: number
    }
    /**
     * Start from the weights of an earlier experiment instead of drawing them. Shuffles and dropout masks are still the seed’s, and optimizers start afresh, but with state.
     */
    initial?: {
      /**
       * The id of an experiment of the same network that has succeeded and kept its weights.
       */
      experiment: string
      /**
       * Which of its weights: 0 is what it started from, its iterations what it ended with.
       */
      iteration: number
      /**
       * Go on with its training, as if it had not ended there: with its optimizers’ state (where a layer’s optimizer is still of the same kind), and with learning-rate schedules, freezes, shuffles and dropout masks at the iteration that would have come next. What nothing is changed of has the bits of the training that went on. Its training is repeated up to there, on the same kind of device.
       */
      state?: boolean
    }
    /**
     * The optimizer proposes a step, the ledger judges it, and a part of it is taken. Iterations count as in freezes and schedules. What was chosen, and what came of it, is at …/diagnostics/interventions; the allocation is of the steps that were taken.
     */
    intervention?: {
      /**
       * What is taken of the step: the part of those whose LCA is below 0, or above 0; or, to compare these with, the part of as many as help, drawn from the seed in each layer (by layer: as many layers), or the whole step, in each layer as short as the helpers’ part of it is (by layer: the whole network’s).
       */
      update: 'helpers' | 'hurters' | 'random' | 'shrink'
      /**
       * Whose LCA decides: each parameter’s, or the sum over a unit, or a layer, which move together.
       */
      by: 'parameter' | 'unit' | 'layer'
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * First iteration that is judged.
       */
      from: number
      /**
       * First iteration that is not judged any more; to the end if absent.
       */
      until?: number
      /**
       * Every so many iterations, from `from` on.
       */
      every: number
      /**
       * What the optimizer’s memory sees: the whole gradient, or only the part of it whose step is taken (with shrink: as much smaller as the step).
       */
      state: 'whole' | 'masked'
    }
    /**
     * Training judges the steps that it has taken, and acts on that: each decision is a row of …/diagnostics/policies, and an event.
     */
    policy?: {
      judge: {
        /**
         * Whose loss the step is judged by.
         */
        split: 'train' | 'validation'
        /**
         * Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.
         */
        method: 'left' | 'trapezoid' | 'simpson'
        /**
         * Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.
         */
        examples?: number
      }
      /**
       * Every so many steps are judged; each by itself costs a gradient more than one that follows another.
       */
      every: number
      /**
       * Freezes a layer whose LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself.
       */
      freezeHurting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * Iterations that it is frozen for; to the end if absent.
         */
        for?: number
      }
      /**
       * Ends training where the network’s LCA over the last steps is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself. The experiment then has so many iterations.
       */
      stopOverfitting?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
      }
      /**
       * Lowers the momentum of a layer in which what earlier gradients still push has an LCA over the last steps that is above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself; it is looked at again after as many steps, and the momentum restored once it is not.
       */
      quietMomentum?: {
        /**
         * How many judged steps, the last ones, are summed.
         */
        steps: number
        /**
         * What the momentum of the layer is multiplied by.
         */
        factor: number
      }
    }
  }
  allocation: {
    /**
     * Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.
     */
    method: 'left' | 'trapezoid' | 'simpson' | 'boole'
    /**
     * Split the step further while |residual| is above this on any split.
     */
    maxError: number
    /**
     * Most parts a step is split into; a power of two.
     */
    maxSplits: number
    /**
     * Which losses are allocated; both, or train alone if validationExamples is 0.
     *
     * @minItems 1
     * @maxItems 2
     *
     * Items: A split of the dataset.
     */
    splits: ('train' | 'validation')[]
    /**
     * Allocates the loss over so many examples of each split, drawn once by the seeds, instead of over the split: as many times fewer operations, and every layer’s LCA comes with the standard error that it has as an estimate for the whole split. At most the larger allocated split; a smaller one that has no more is allocated whole. With batch norm whole chunks are drawn, so it is a multiple of chunkSize. If absent, every split is allocated whole.
     */
    examples?: number
    chunkSize: number
    /**
     * Iterations an object in storage and a job hold.
     */
    segmentIterations: number
    /**
     * What is recorded beside the allocations, by name: true, options, or false. Those that cost next to nothing are on by default.
     */
    diagnostics?: {
      /**
       * How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.
       */
      curvature?: boolean
      /**
       * Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.
       */
      oscillation?: boolean
      /**
       * How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.
       */
      tails?: boolean
      /**
       * Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.
       */
      units?: boolean
      /**
       * Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.
       */
      windows?: boolean
      /**
       * The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below 5 chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.
       */
      uncertainty?: boolean
      /**
       * The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.
       */
      counterfactuals?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
      /**
       * LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².
       */
      components?: boolean
      /**
       * The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.
       */
      fisher?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
            /**
             * Examples of each split that it looks at; of one that has fewer, all.
             */
            examples: number
          }
      /**
       * LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.
       */
      classes?: boolean
      /**
       * The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.
       */
      sharpness?:
        | boolean
        | {
            /**
             * At iterations that are multiples of it.
             */
            every: number
          }
    }
  }
  /**
   * Raw tensors to keep in object storage: both by default; [] keeps the aggregates (those per neuron included) and the manifest only.
   *
   * @maxItems 2
   */
  keep: ('weights' | 'allocations')[]
  /**
   * Webhooks: POSTs of { type: "experiment.<status>", timestamp, data } when the status changes, signed with the secret of GET /v1/webhooks/secret.
   *
   * @maxItems 5
   */
  notify?: {
    /**
     * http or https, without a user name or password; at a public address.
     */
    url: string
    /**
     * The statuses to tell of.
     *
     * @minItems 1
     * @maxItems 5
     */
    events: ('training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled')[]
  }[]
}
/**
 * What is to be different of an experiment (a JSON merge patch, RFC 7396).
 */
export interface ExperimentEdit {
  /**
   * null: none.
   */
  name?: string | null
  /**
   * Tags to be set; null takes one away. Others stay. An experiment has at most 50.
   */
  tags?: {
    [k: string]: string | null
  }
  /**
   * Plain text, which `where` finds as `notes`. null: none.
   */
  notes?: string | null
}
/**
 * One thing to be done with several experiments.
 */
export interface BulkRequest {
  /**
   * What is to be done with each.
   */
  action: 'cancel' | 'retry' | 'delete' | 'tag'
  /**
   * Experiments. One that is named twice is taken once.
   *
   * @minItems 1
   * @maxItems 1000
   */
  ids: string[]
  /**
   * Tags to be set; null takes one away. Others stay. An experiment has at most 50.
   */
  tags?: {
    [k: string]: string | null
  }
}
/**
 * What became of one of them.
 */
export interface BulkOutcome {
  id: string
  /**
   * cancelled, cancelling (within one gradient pass), queued or allocating (tried again), deleted, tagged; unchanged: it was so already, or has ended, or has not; missing: there is no such experiment; refused: `detail` says why; failed: a fault of the service, try again.
   */
  outcome:
    | 'cancelled'
    | 'cancelling'
    | 'queued'
    | 'allocating'
    | 'deleted'
    | 'tagged'
    | 'unchanged'
    | 'missing'
    | 'refused'
    | 'failed'
  /**
   * Why it was refused.
   */
  detail: string | null
}
/**
 * What a worker said of an experiment.
 */
export interface LogLine {
  /**
   * When it was said.
   */
  at: string
  level: 'info' | 'warn' | 'error'
  message: string
  /**
   * Who said it.
   */
  worker: string
  /**
   * What it is about: iterations, seconds, names of objects; `error` is why.
   */
  facts: {
    [k: string]: unknown
  }
}
export interface SweepSpec {
  /**
   * Yours.
   */
  name?: string
  /**
   * An ExperimentSpec; what is varied may be missing in it.
   */
  base: {
    [k: string]: unknown
  }
  /**
   * What changes from variant to variant: a grid of JSON paths to lists of values, or a list of merge patches.
   */
  vary?: Grid | List
  /**
   * Every variant is run with each of these as training.seed. (A grid may vary $.training.seed just as well.)
   *
   * @minItems 1
   * @maxItems 1000
   */
  seeds?: number[]
  /**
   * The label of the variant that the summary compares the others with; the first if absent.
   */
  baseline?: string
}
/**
 * JSON paths to lists of values ($.optimizer.learningRate, $.layers, training.seed): every combination, the last path changing fastest.
 */
export interface Grid {
  /**
   * @minItems 1
   * @maxItems 1000
   */
  [k: string]: unknown[]
}
/**
 * A sweep without its experiments.
 */
export interface SweepListItem {
  /**
   * A UUID (version 7).
   */
  id: string
  /**
   * Yours.
   */
  name: string | null
  /**
   * When it was posted.
   */
  createdAt: string
  /**
   * Experiments that there are.
   */
  experimentCount: number
  /**
   * Whether every experiment has succeeded, failed or been cancelled.
   */
  finished: boolean
  /**
   * How many experiments are where in their lives.
   */
  counts: {
    /**
     * Not yet taken up.
     */
    queued: number
    /**
     * Being trained.
     */
    training: number
    /**
     * Being allocated.
     */
    allocating: number
    /**
     * Done.
     */
    succeeded: number
    /**
     * Given up.
     */
    failed: number
    /**
     * Cancelled.
     */
    cancelled: number
  }
  /**
   * Labels of the variants: what each changes about the base, or the name it was given.
   */
  variants: string[]
  /**
   * The variant that the summary compares the others with.
   */
  baseline: string
}
/**
 * An experiment of a sweep; GET /v1/experiments/{id} says more.
 */
export interface SweepExperiment {
  id: string
  /**
   * The sweep’s name, the variant’s label and the seed.
   */
  name: string | null
  /**
   * The label of its variant.
   */
  variant: string
  /**
   * training.seed: what varies inside a variant.
   */
  seed: number
  status: ExperimentStatus
}
/**
 * A sweep: what was asked for, and where each experiment is.
 */
export interface Sweep {
  /**
   * A UUID (version 7).
   */
  id: string
  /**
   * Yours.
   */
  name: string | null
  /**
   * When it was posted.
   */
  createdAt: string
  /**
   * Experiments that there are.
   */
  experimentCount: number
  /**
   * Whether every experiment has succeeded, failed or been cancelled.
   */
  finished: boolean
  /**
   * How many experiments are where in their lives.
   */
  counts: {
    /**
     * Not yet taken up.
     */
    queued: number
    /**
     * Being trained.
     */
    training: number
    /**
     * Being allocated.
     */
    allocating: number
    /**
     * Done.
     */
    succeeded: number
    /**
     * Given up.
     */
    failed: number
    /**
     * Cancelled.
     */
    cancelled: number
  }
  /**
   * Labels of the variants: what each changes about the base, or the name it was given.
   */
  variants: string[]
  /**
   * The variant that the summary compares the others with.
   */
  baseline: string
  request: SweepSpec1
  /**
   * In the order of the sweep.
   */
  experiments: SweepExperiment[]
}
/**
 * The sweep as it was posted.
 */
export interface SweepSpec1 {
  /**
   * Yours.
   */
  name?: string
  /**
   * An ExperimentSpec; what is varied may be missing in it.
   */
  base: {
    [k: string]: unknown
  }
  /**
   * What changes from variant to variant: a grid of JSON paths to lists of values, or a list of merge patches.
   */
  vary?: Grid | List
  /**
   * Every variant is run with each of these as training.seed. (A grid may vary $.training.seed just as well.)
   *
   * @minItems 1
   * @maxItems 1000
   */
  seeds?: number[]
  /**
   * The label of the variant that the summary compares the others with; the first if absent.
   */
  baseline?: string
}
/**
 * One measure of one layer in one variant, over its seeds.
 */
export interface SweepSummaryRow {
  /**
   * The label of the variant.
   */
  variant: string
  /**
   * Which loss.
   */
  split: 'train' | 'validation'
  /**
   * The layer’s name; null: the whole network.
   */
  layer: string | null
  /**
   * lca: the sum of the allocations over the run. helpFractionOfMoved: of the allocations that are not zero the share that helped (no value where a layer is frozen all along); helpFractionOfAll: of all, parameters × iterations. finalLoss, finalAccuracy: after the last iteration, of the whole network only. Names with a dot are figures of diagnostics, of the whole network only: docs/diagnostics.md has them.
   */
  measure:
    | 'lca'
    | 'helpFractionOfMoved'
    | 'helpFractionOfAll'
    | 'finalLoss'
    | 'finalAccuracy'
    | 'curvature.alpha'
    | 'curvature.overshooting'
    | 'curvature.firstOrder'
    | 'oscillation.gradientCosine'
    | 'oscillation.updateCosine'
    | 'oscillation.gradientTurning'
    | 'oscillation.updateTurning'
    | 'oscillation.lcaTurning'
    | 'tails.kurtosis'
    | 'tails.top01'
    | 'tails.top1'
    | 'tails.top10'
    | 'tails.tailIndex'
    | 'units.dead'
    | 'units.iterations'
    | 'units.cameBack'
    | 'windows.step'
    | 'windows.run'
    | 'windows.unitStep'
    | 'windows.unitRun'
    | 'uncertainty.relative'
    | 'uncertainty.told'
    | 'uncertainty.run'
    | 'counterfactuals.helpers'
    | 'counterfactuals.hurters'
    | 'counterfactuals.gain'
    | 'counterfactuals.layers'
    | 'components.gradient'
    | 'components.momentum'
    | 'components.l2'
    | 'components.decay'
    | 'components.rest'
    | 'components.cosine'
    | 'components.noiseScale'
    | 'fisher.empirical'
    | 'fisher.empiricalRank'
    | 'fisher.empiricalStepRank'
    | 'fisher.true'
    | 'fisher.trueRank'
    | 'fisher.trueStepRank'
    | 'classes.conflict'
    | 'classes.hurting'
    | 'sharpness.eigenvalue'
    | 'sharpness.largest'
    | 'sharpness.ofThreshold'
    | 'sharpness.stepShare'
    | 'sharpness.lcaShare'
    | 'interventions.chosen'
    | 'interventions.predicted'
    | 'interventions.change'
    | 'interventions.kept'
    | 'interventions.worse'
    | 'policies.frozen'
    | 'policies.quieted'
    | 'policies.stopped'
    | 'synchrony.p'
    | 'synchrony.excess'
  /**
   * Seeds that the mean is over: those that have succeeded, but for `leftOut`.
   */
  n: number
  /**
   * Over the seeds.
   */
  mean: number | null
  /**
   * Sample standard deviation over the seeds; null below two.
   */
  sd: number | null
  /**
   * Lower end of the mean’s 95 % interval (Student).
   */
  low: number | null
  /**
   * Upper end.
   */
  high: number | null
  /**
   * How much it is above the baseline: the mean over the seeds that both have (`pairs`) of the difference seed by seed; where they share none, mean less the baseline’s. null for the baseline itself.
   */
  difference: number | null
  /**
   * Lower end of the difference’s 95 % interval: Student’s of the differences seed by seed; Welch’s where no seed is shared.
   */
  differenceLow: number | null
  /**
   * Upper end; an interval without 0 in it is a difference that seeds do not explain. Each interval is for itself: of twenty that do not differ one leaves 0 out by chance.
   */
  differenceHigh: number | null
  /**
   * Seeds that are in the difference: those that both have; 0 where they share none. null for the baseline itself.
   */
  pairs: number | null
}
export interface SweepSummary {
  sweepId: string
  /**
   * Whether every experiment has succeeded. While false, these are the ones that have.
   */
  complete: boolean
  /**
   * The variant that the others are compared with.
   */
  baseline: string
  /**
   * Of the intervals.
   */
  confidence: number
  /**
   * In the order of the sweep.
   */
  variants: {
    label: string
    /**
     * That there are.
     */
    experiments: number
    /**
     * Of those that have succeeded and are not left out.
     */
    seeds: number[]
  }[]
  /**
   * Experiments that have succeeded and are in no mean, n or interval of this summary, because their books do not balance on a split: a ledger of any sign and size would decide the mean.
   */
  leftOut: {
    experiment: string
    variant: string
    seed: number
    /**
     * What is wrong with it, in words.
     */
    reason: string
  }[]
  /**
   * By variant, split and measure; the whole network first, then the layers in its order.
   */
  items: SweepSummaryRow[]
}
/**
 * How well an early figure foretells where training ends.
 */
export interface SweepPredictorRow {
  /**
   * A figure of a diagnostic, as name.figure.
   */
  figure: string
  /**
   * On which split it is taken.
   */
  split: 'train' | 'validation'
  /**
   * Over the first of the iterations: this fraction of them.
   */
  fraction: number
  /**
   * What it is to foretell: of validation, after the last iteration.
   */
  outcome: 'finalLoss' | 'finalAccuracy'
  /**
   * Runs that have both.
   */
  n: number
  /**
   * Spearman’s rank correlation over them.
   */
  correlation: number | null
  /**
   * Lower end of its 95 % interval (Fisher’s z, Bonett and Wright 2000).
   */
  low: number | null
  /**
   * Upper end; for this correlation alone, however many were tried.
   */
  high: number | null
  /**
   * Two-sided, of no correlation: by Student’s t, and never below 2/n!.
   */
  p: number | null
  /**
   * Corrected for how many rows there are, after Holm (1979).
   */
  adjustedP: number | null
}
/**
 * Early figures of diagnostics against where training ends.
 */
export interface SweepPredictors {
  sweepId: string
  /**
   * Whether every experiment has succeeded.
   */
  complete: boolean
  /**
   * Of the intervals.
   */
  confidence: number
  /**
   * Experiments that have succeeded and whose books balance.
   */
  runs: number
  /**
   * Experiments that have succeeded and are in no row, because their books do not balance.
   */
  leftOut: {
    experiment: string
    variant: string
    seed: number
    /**
     * What is wrong with it, in words.
     */
    reason: string
  }[]
  /**
   * By figure, split and fraction; of those that vary, in four runs at least.
   */
  items: SweepPredictorRow[]
}
/**
 * What the parameters of one output unit, channel or head did over all allocated iterations.
 */
export interface NeuronRow {
  /**
   * The layer’s name.
   */
  layer: string
  /**
   * The output unit, channel or head, from 0 in every layer. Of attention with a bias the last is the bias of its output, which all heads share.
   */
  unit: number
  /**
   * Trainable parameters.
   */
  parameters: number
  /**
   * Sum of the allocations: negative helped, positive hurt.
   */
  lca: number | null
  /**
   * Sum of the negative allocations.
   */
  helping: number | null
  /**
   * Sum of the positive allocations.
   */
  hurting: number | null
}
export interface NeuronsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * In the order of the network, then by unit.
   */
  items: NeuronRow[]
}
/**
 * What one layer or variable did over all iterations.
 */
export interface LayerRow {
  /**
   * The layer’s name.
   */
  layer: string
  /**
   * The variable’s name; only with by=variable.
   */
  variable?: string
  /**
   * Trainable parameters.
   */
  parameters: number
  /**
   * Sum of the allocations: negative helped, positive hurt.
   */
  lca: number | null
  /**
   * Of lca, as an estimate for the whole split, where a sample of it is allocated (examples below of); else null. An interval is lca ∓ t · standardError, t of Student’s distribution with a degree of freedom less than the sample has chunks, 20 or more: 2.1 for 95 %.
   */
  standardError: number | null
  /**
   * Sum of the negative allocations.
   */
  helping: number | null
  /**
   * Sum of the positive allocations.
   */
  hurting: number | null
  /**
   * Root mean square of the allocation of one parameter in one iteration.
   */
  rms: number | null
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
  /**
   * lca over the whole network’s: below 0 where it went against that, above 1 where others took back more than is left. Null where that is 0.
   */
  share: number | null
}
/**
 * What the whole network did.
 */
export interface LayerTotal {
  /**
   * Trainable parameters.
   */
  parameters: number
  /**
   * Sum of the allocations: negative helped, positive hurt.
   */
  lca: number | null
  /**
   * Of lca, as an estimate for the whole split, where a sample of it is allocated (examples below of); else null. An interval is lca ∓ t · standardError, t of Student’s distribution with a degree of freedom less than the sample has chunks, 20 or more: 2.1 for 95 %.
   */
  standardError: number | null
  /**
   * Sum of the negative allocations.
   */
  helping: number | null
  /**
   * Sum of the positive allocations.
   */
  hurting: number | null
  /**
   * Root mean square of the allocation of one parameter in one iteration.
   */
  rms: number | null
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
  /**
   * lca over the whole network’s: below 0 where it went against that, above 1 where others took back more than is left. Null where that is 0.
   */
  share: number | null
}
export interface LayersTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  by: 'layer' | 'variable'
  /**
   * Iterations that are summed.
   */
  iterations: number
  total: LayerTotal
  /**
   * In the order of the network.
   */
  items: LayerRow[]
}
/**
 * One iteration on one split.
 */
export interface IterationRow {
  /**
   * The iteration, from 0.
   */
  iteration: number
  /**
   * The loss over the split, or its sample, before the step.
   */
  loss: number | null
  /**
   * The loss over the split, or its sample, after the step.
   */
  lossAfter: number | null
  /**
   * Sum of all allocations; lossAfter − loss up to the residual.
   */
  lca: number | null
  /**
   * (lossAfter − loss) − lca: how far the books are from balancing.
   */
  residual: number | null
  /**
   * Parts the step was split into to get there.
   */
  splits: number
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
}
export interface IterationsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Ascending.
   */
  items: IterationRow[]
}
/**
 * What one layer or variable did in one iteration or span of iterations. All but standardError and the two fractions are sums.
 */
export interface AllocationRow {
  /**
   * The iteration; with bucket=n the first of the span, a multiple of n.
   */
  iteration: number
  /**
   * How many iterations are summed here: 1 without bucket.
   */
  iterations: number
  /**
   * The layer’s name.
   */
  layer: string
  /**
   * The variable’s name; only with by=variable.
   */
  variable?: string
  /**
   * Trainable parameters.
   */
  parameters: number
  /**
   * Sum of the allocations: negative helped, positive hurt.
   */
  lca: number | null
  /**
   * Of lca, as an estimate for the whole split, where a sample of it is allocated (examples below of), of single iterations (bucket=1) by layer: errors of iterations do not add up; else null. An interval is lca ∓ t · standardError, t of Student’s distribution with a degree of freedom less than the sample has chunks, 20 or more: 2.1 for 95 %.
   */
  standardError: number | null
  /**
   * Sum of the negative allocations.
   */
  helping: number | null
  /**
   * Sum of the positive allocations.
   */
  hurting: number | null
  /**
   * Sum of the squared allocations; rms = √(squared / (parameters · iterations)).
   */
  squared: number | null
  /**
   * Squared norm of the update.
   */
  moved: number | null
  /**
   * How many allocations were negative.
   */
  helped: number | null
  /**
   * How many allocations were positive.
   */
  hurt: number | null
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
}
export interface AllocationsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  by: 'layer' | 'variable'
  /**
   * Iterations a row sums: as asked for, or as spans=n came to.
   */
  bucket: number
  /**
   * By iteration, then in the order of the network.
   */
  items: AllocationRow[]
}
/**
 * One iteration of one of several experiments, on one split.
 */
export interface SeveralIterationRow {
  /**
   * Whose iteration it is.
   */
  experiment: string
  /**
   * The iteration, from 0.
   */
  iteration: number
  /**
   * The loss over the split, or its sample, before the step.
   */
  loss: number | null
  /**
   * The loss over the split, or its sample, after the step.
   */
  lossAfter: number | null
  /**
   * Sum of all allocations; lossAfter − loss up to the residual.
   */
  lca: number | null
  /**
   * (lossAfter − loss) − lca: how far the books are from balancing.
   */
  residual: number | null
  /**
   * Parts the step was split into to get there.
   */
  splits: number
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
}
export interface SeveralIterationsTable {
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Those that allocate this split, in the order in which they were named.
   */
  experiments: {
    experimentId: string
    /**
     * Whether every iteration is allocated. While false, these are the iterations that are.
     */
    complete: boolean
    /**
     * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
     */
    examples: number
    /**
     * Examples of the split.
     */
    of: number
    /**
     * Null where the books of what is allocated balance.
     */
    unbalanced: Unbalanced | null
  }[]
  /**
   * Those that do not allocate it, of which there are no rows.
   */
  without: string[]
  /**
   * Experiment by experiment, each ascending.
   */
  items: SeveralIterationRow[]
}
export interface ComparedExperiment {
  id: string
  /**
   * Yours.
   */
  name: string | null
  status: ExperimentStatus
  /**
   * Optimizer steps of its own.
   */
  iterations: number
  /**
   * What it starts from (training.initial), which may have been deleted since; state: it goes on with that training.
   */
  parent: {
    experiment: string
    iteration: number
    state: boolean
  } | null
  /**
   * Where its first iteration lies on the common axis.
   */
  offset: number
}
/**
 * Where the weights of one of the experiments leave those of the first.
 */
export interface ComparedWeights {
  /**
   * Its id.
   */
  experiment: string
  /**
   * The first iteration on the common axis at which its weights and those of the first experiment are not the same bits; null where there is none, or it is not known.
   */
  firstDifference: number | null
  /**
   * The last iteration up to which they are known to be the same bits; null where there is none.
   */
  sameUntil: number | null
  /**
   * An iteration before or at which they are known to differ.
   */
  differsBy: number | null
  /**
   * Why it is not known where they differ, as of weights that are not stored; null where it is, and where they are the same as far as they go in common.
   */
  unknown: string | null
}
/**
 * What a layer of one of the experiments did over the iterations that all have in common.
 */
export interface ComparedLayerRow {
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * Its id.
   */
  experiment: string
  /**
   * Of them are the sums: those of the common span that are allocated.
   */
  iterations: number
  /**
   * Trainable parameters.
   */
  parameters: number
  /**
   * Sum of the allocations: negative helped, positive hurt.
   */
  lca: number | null
  /**
   * Of lca, as an estimate for the whole split, where a sample of it is allocated and the common span is made of whole segments; else null.
   */
  standardError: number | null
  /**
   * Sum of the negative allocations.
   */
  helping: number | null
  /**
   * Sum of the positive allocations.
   */
  hurting: number | null
  /**
   * Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.
   */
  helpFractionOfMoved: number | null
  /**
   * Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.
   */
  helpFractionOfAll: number | null
  /**
   * lca − that of the first experiment; null for the first, where it has no such layer, and where the two are not sums of equally many iterations.
   */
  lcaDifference: number | null
  /**
   * The same of helpFractionOfMoved.
   */
  helpFractionDifference: number | null
}
/**
 * The loss of one of the experiments over a span of iterations.
 */
export interface ComparedLossRow {
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * On the common axis, the first of the span.
   */
  iteration: number
  /**
   * Its id.
   */
  experiment: string
  /**
   * Of them is the mean.
   */
  iterations: number
  /**
   * The mean over the span of the losses before each iteration.
   */
  loss: number | null
  /**
   * loss − that of the first experiment; null for the first, and where it has not the same iterations of the span.
   */
  difference: number | null
}
/**
 * What a field in which the specs differ is in one of them.
 */
export interface ComparedSpecRow {
  /**
   * Of a field of the resolved spec, but name.
   */
  path: string
  /**
   * Its id.
   */
  experiment: string
  /**
   * Its value there as JSON; null where the spec has no such field.
   */
  value: string | null
}
/**
 * Something by which the numbers of the experiments are not comparable.
 */
export interface ComparisonWarning {
  about:
    | 'unfinished'
    | 'dataset'
    | 'loss'
    | 'splits'
    | 'examples'
    | 'method'
    | 'chunkSize'
    | 'engine'
    | 'unbalanced'
    | 'residual'
    | 'axis'
  /**
   * Why numbers are not to be set against each other without more ado.
   */
  message: string
  /**
   * Which of them it is of.
   */
  experiments: string[]
}
/**
 * Experiments beside each other.
 */
export interface Comparison {
  /**
   * In the order in which they were named.
   */
  experiments: ComparedExperiment[]
  /**
   * The nearest experiment that all of them go back to, or are, and the iteration of it at which the first of them leaves it. Iterations of the comparison are its iterations. Null where there is none: then each counts from its own first.
   */
  fork: {
    experiment: string
    iteration: number
  } | null
  /**
   * The iterations [from, to) of the common axis that all of them have and that were asked for: layers are summed over them. Null where there are none.
   */
  span: {
    from: number
    to: number
  } | null
  warnings: ComparisonWarning[]
  /**
   * Of every experiment but the first.
   */
  weights: ComparedWeights[]
  /**
   * Iterations that a row of the losses is the mean of.
   */
  bucket: number
  /**
   * Fields in which the specs differ beyond the first 1000, which are left out.
   */
  specsLeftOut: number
  /**
   * The fields in which the resolved specs differ, but name.
   */
  specs: {
    path: string
    /**
     * Of each experiment, in their order; null where the spec has no such field.
     */
    values: unknown[]
  }[]
  /**
   * By split, then in the order of the network and at last the whole of it, then by experiment.
   */
  layers: ComparedLayerRow[]
  /**
   * By split, iteration and experiment.
   */
  losses: ComparedLossRow[]
}
/**
 * One of the tables of a comparison.
 */
export interface ComparisonTable {
  /**
   * In the order in which they were named.
   */
  experiments: ComparedExperiment[]
  /**
   * The nearest experiment that all of them go back to, or are, and the iteration of it at which the first of them leaves it. Iterations of the comparison are its iterations. Null where there is none: then each counts from its own first.
   */
  fork: {
    experiment: string
    iteration: number
  } | null
  /**
   * The iterations [from, to) of the common axis that all of them have and that were asked for: layers are summed over them. Null where there are none.
   */
  span: {
    from: number
    to: number
  } | null
  warnings: ComparisonWarning[]
  table: 'layers' | 'losses' | 'specs'
  items: (ComparedLayerRow | ComparedLossRow | ComparedSpecRow)[]
}
export interface Diagnostic {
  name: string
  /**
   * What it says, with its formula.
   */
  description: string
  /**
   * free: recorded by default. asked: where allocation.diagnostics asks for it. reading: computed when it is read. training: where training did what it is of.
   */
  cost: 'free' | 'asked' | 'reading' | 'training'
  /**
   * Whether this experiment has it.
   */
  recorded: boolean
  /**
   * Recorded at iterations that are multiples of it; null where at all, or not at all.
   */
  every: number | null
  /**
   * Of so many examples of a split at most; null where of all.
   */
  examples: number | null
  /**
   * The columns of its table.
   */
  columns: {
    name: string
    type: 'int32' | 'float64' | 'name'
    description: string
  }[]
  /**
   * Numbers of a whole run, which summaries have under diagnostics, as name.figure.
   */
  figures: {
    name: string
    description: string
  }[]
}
/**
 * Every diagnostic.
 */
export interface DiagnosticList {
  experimentId: string
  items: Diagnostic[]
}
/**
 * A statement that the numbers of an experiment support.
 */
export interface Finding {
  /**
   * Which rule says it; docs/diagnostics.md has them.
   */
  rule:
    | 'diverged'
    | 'unbalanced'
    | 'rising'
    | 'hurting'
    | 'overfitting'
    | 'overshooting'
    | 'damage'
    | 'momentum'
    | 'dead'
  /**
   * Which loss.
   */
  split: 'train' | 'validation'
  /**
   * The layer’s name; null: the whole network.
   */
  layer: string | null
  /**
   * One sentence, with the numbers and their interval.
   */
  statement: string
  /**
   * Loss that it is about, by which findings are ordered; null where a loss is not finite.
   */
  atStake: number | null
  /**
   * The first iteration that it is about.
   */
  from: number
  /**
   * The one behind the last.
   */
  to: number
  /**
   * The numbers that carry it, the first above all.
   */
  figures: {
    name: string
    /**
     * What it is.
     */
    estimate: number | null
    /**
     * Lower end of its interval.
     */
    low: number | null
    /**
     * Upper end.
     */
    high: number | null
    /**
     * Of the interval.
     */
    level: number
  }[]
  /**
   * Where it is from: iterations, allocations, or a diagnostic.
   */
  table: string
  /**
   * What one could do about it.
   */
  advice: string
}
/**
 * What can be said of an experiment.
 */
export interface FindingList {
  experimentId: string
  /**
   * Whether the experiment was looked at: not before it has succeeded, nor by earlier versions. While false there are no items, and that says nothing of it.
   */
  recorded: boolean
  /**
   * What matters most first; empty where nothing can be said.
   */
  items: Finding[]
}
/**
 * How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.
 */
export interface CurvatureRow {
  /**
   * The iteration; with bucket=n the first of the span, a multiple of n.
   */
  iteration: number
  /**
   * How many iterations are summed here: 1 without bucket.
   */
  iterations: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null unless by=variable.
   */
  variable: string | null
  /**
   * Σ LCA.
   */
  lca: number | null
  /**
   * F = Σ g_t · Δ_t, the first-order change of the loss.
   */
  first: number | null
  /**
   * E = Σ g_{t+1} · Δ_t, the same with the gradient after the step.
   */
  end: number | null
  /**
   * Σ g_t², the squared norm of the gradient before the step.
   */
  gradient: number | null
  /**
   * Σ (g_{t+1} − g_t)².
   */
  gradientChange: number | null
  /**
   * LCA − F: what the first order does not see.
   */
  remainder: number | null
  /**
   * E − F ≈ ΔᵀHΔ, curvature along the step.
   */
  curvature: number | null
  /**
   * α = −E/F, of the sums: −1 the step has only begun, 0 at the minimum along its line, 1 as high as it began; null where F is 0.
   */
  alpha: number | null
}
export interface CurvatureTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: CurvatureRow[]
}
/**
 * Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.
 */
export interface OscillationRow {
  /**
   * The iteration; with bucket=n the first of the span, a multiple of n.
   */
  iteration: number
  /**
   * How many iterations are summed here: 1 without bucket.
   */
  iterations: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null unless by=variable.
   */
  variable: string | null
  /**
   * Σ g_t · g_{t+1}.
   */
  gradients: number | null
  /**
   * Σ g_t².
   */
  gradientBefore: number | null
  /**
   * Σ g_{t+1}².
   */
  gradientAfter: number | null
  /**
   * Parameters whose gradients g_t and g_{t+1} have opposite signs.
   */
  gradientTurned: number | null
  /**
   * Those of which neither gradient is 0: that could have turned.
   */
  gradientSigned: number | null
  /**
   * Σ Δ_{t−1} · Δ_t; null at iteration 0, where there is no update before.
   */
  updates: number | null
  /**
   * Σ Δ_{t−1}², over the iterations that have one before.
   */
  updateBefore: number | null
  /**
   * Σ Δ_t², over the iterations that have one before.
   */
  updateAfter: number | null
  /**
   * Parameters whose updates Δ_{t−1} and Δ_t have opposite signs.
   */
  updateTurned: number | null
  /**
   * Those of which neither update is 0.
   */
  updateSigned: number | null
  /**
   * Parameters that helped at t − 1 and hurt at t, or the other way round.
   */
  lcaTurned: number | null
  /**
   * Those of which neither LCA is 0.
   */
  lcaSigned: number | null
  /**
   * cos(g_t, g_{t+1}), of the sums: 1 the gradient stays as it is, −1 it turns round; null where one of them is 0.
   */
  gradientCosine: number | null
  /**
   * cos(Δ_{t−1}, Δ_t), of the sums: below 0 a step undoes some of the one before; null at iteration 0, and where one of them is 0.
   */
  updateCosine: number | null
  /**
   * gradientTurned / gradientSigned: the fraction that changed sign.
   */
  gradientTurning: number | null
  /**
   * updateTurned / updateSigned: the fraction that changed sign.
   */
  updateTurning: number | null
  /**
   * lcaTurned / lcaSigned: the fraction that changed sign.
   */
  lcaTurning: number | null
}
export interface OscillationTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: OscillationRow[]
}
/**
 * How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.
 */
export interface TailsRow {
  /**
   * The first iteration of the segments that this is of.
   */
  from: number
  /**
   * The iteration behind the last.
   */
  to: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null unless by=variable.
   */
  variable: string | null
  /**
   * Allocations (of a parameter in an iteration) that are not 0: all that follows is of them.
   */
  count: number | null
  /**
   * Σ |LCA|.
   */
  absolute: number | null
  /**
   * count · Σ LCA⁴ / (Σ LCA²)²: 3 of a normal distribution, more with heavier tails.
   */
  kurtosis: number | null
  /**
   * The share of Σ |LCA| that the largest 0.1 % have: the middle of what it lies between.
   */
  top01: number | null
  /**
   * At least: exact where the number of the largest ends at the edge of a bin.
   */
  top01Low: number | null
  /**
   * At most.
   */
  top01High: number | null
  /**
   * The share of Σ |LCA| that the largest 1 % have: the middle of what it lies between.
   */
  top1: number | null
  /**
   * At least: exact where the number of the largest ends at the edge of a bin.
   */
  top1Low: number | null
  /**
   * At most.
   */
  top1High: number | null
  /**
   * The share of Σ |LCA| that the largest 10 % have: the middle of what it lies between.
   */
  top10: number | null
  /**
   * At least: exact where the number of the largest ends at the edge of a bin.
   */
  top10Low: number | null
  /**
   * At most.
   */
  top10High: number | null
  /**
   * Hill’s α of |LCA| ~ x^−α beyond the threshold, of binned values; null where there is no tail to fit.
   */
  tailIndex: number | null
  /**
   * Its standard error if allocations were independent; those of a parameter in successive iterations are not, so it is rather too small.
   */
  tailError: number | null
  /**
   * The threshold: the highest power of 2 that 1 % of the magnitudes, and 50, lie above.
   */
  tailThreshold: number | null
  /**
   * Allocations beyond the threshold.
   */
  tailCount: number | null
  /**
   * The largest LCA: what hurt most.
   */
  max: number | null
  /**
   * Its parameter: the column in allocations/{split}.npy.
   */
  maxIndex: number | null
  /**
   * The variable which that is of.
   */
  maxVariable: string | null
  /**
   * Its iteration.
   */
  maxIteration: number | null
  /**
   * The smallest LCA: what helped most.
   */
  min: number | null
  /**
   * Its parameter.
   */
  minIndex: number | null
  /**
   * The variable which that is of.
   */
  minVariable: string | null
  /**
   * Its iteration.
   */
  minIteration: number | null
}
export interface TailsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: TailsRow[]
}
/**
 * How many allocations of single parameters in single iterations are how large: of those that are not 0, in bins that double, those that helped and those that hurt apart. Of what tails records. Of the segments that lie within the span, whole.
 */
export interface HistogramRow {
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null unless by=variable.
   */
  variable: string | null
  /**
   * The bin: low ≤ |LCA| < high. 0 in the lowest bin.
   */
  low: number | null
  /**
   * Twice that, or 2⁻⁴⁶.
   */
  high: number | null
  /**
   * Allocations −high < LCA ≤ −low.
   */
  helped: number | null
  /**
   * Allocations low ≤ LCA < high.
   */
  hurt: number | null
  /**
   * Σ |LCA| of both.
   */
  absolute: number | null
}
export interface HistogramTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: HistogramRow[]
}
/**
 * Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.
 */
export interface UnitsRow {
  /**
   * The layer’s name.
   */
  layer: string | null
  /**
   * The unit, or channel, within its layer.
   */
  unit: number
  /**
   * How many iterations were looked at.
   */
  iterations: number
  /**
   * In how many of them it was dead.
   */
  dead: number
  /**
   * The first in which it was; null where there is none.
   */
  first: number | null
  /**
   * The last in which it was; null where there is none.
   */
  last: number | null
  /**
   * 1 where it lived in an iteration after the first in which it was dead, else 0.
   */
  cameBack: number
}
export interface UnitsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: UnitsRow[]
}
/**
 * Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.
 */
export interface WindowsRow {
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * Iterations that are summed.
   */
  window: number
  /**
   * How many such windows.
   */
  windows: number
  /**
   * Parameters whose LCA over a window is below 0, summed over the windows.
   */
  helped: number | null
  /**
   * Those of which it is above 0. The others did not move, or did not matter.
   */
  hurt: number | null
  /**
   * Units, or channels, whose LCA over a window is below 0.
   */
  unitsHelped: number | null
  /**
   * Those of which it is above 0.
   */
  unitsHurt: number | null
  /**
   * helped / (helped + hurt).
   */
  helpFractionOfMoved: number | null
  /**
   * helped / (parameters · windows).
   */
  helpFractionOfAll: number | null
  /**
   * unitsHelped / (unitsHelped + unitsHurt).
   */
  unitHelpFraction: number | null
}
export interface WindowsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: WindowsRow[]
}
/**
 * The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below 5 chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.
 */
export interface UncertaintyRow {
  /**
   * The iteration.
   */
  iteration: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * Σ LCA, as the chunks have it.
   */
  lca: number | null
  /**
   * Its standard error; null of too few chunks.
   */
  standardError: number | null
  /**
   * Chunks that it comes from: one more than its degrees of freedom.
   */
  chunks: number
  /**
   * Why there is none; else null.
   */
  note: string | null
}
export interface UncertaintyTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: UncertaintyRow[]
}
/**
 * The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.
 */
export interface CounterfactualsRow {
  /**
   * The iteration.
   */
  iteration: number
  /**
   * What of the step is taken: helpers, hurters, random, all, or of a layer: alone (nothing but it), without (all but it).
   */
  mask: string | null
  /**
   * The layer that is taken alone, or left out; else null.
   */
  layer: string | null
  /**
   * How many parameters the mask takes.
   */
  parameters: number
  /**
   * L(θ_t).
   */
  before: number | null
  /**
   * L(θ_t + m∘Δ_t).
   */
  loss: number | null
  /**
   * L(θ_t + m∘Δ_t) − L(θ_t).
   */
  change: number | null
  /**
   * Σ LCA over the mask.
   */
  predicted: number | null
  /**
   * change − predicted.
   */
  interaction: number | null
}
export interface CounterfactualsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: CounterfactualsRow[]
}
/**
 * LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².
 */
export interface ComponentsRow {
  /**
   * The iteration; with bucket=n the first of the span, a multiple of n.
   */
  iteration: number
  /**
   * How many iterations are summed here: 1 without bucket.
   */
  iterations: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null unless by=variable.
   */
  variable: string | null
  /**
   * Σ LCA.
   */
  lca: number | null
  /**
   * Of it by the gradient of the iteration’s own batch.
   */
  gradient: number | null
  /**
   * By what the gradients of earlier iterations still push, their L2 among them.
   */
  momentum: number | null
  /**
   * By L2’s gradient of the iteration.
   */
  l2: number | null
  /**
   * By decoupled weight decay.
   */
  decay: number | null
  /**
   * LCA less these: rounding of the weights.
   */
  rest: number | null
  /**
   * Σ b · g_t, b the batch’s gradient and g_t the split’s.
   */
  dot: number | null
  /**
   * Σ b², the squared norm of the batch’s gradient.
   */
  batch: number | null
  /**
   * Σ g_t², the squared norm of the split’s gradient.
   */
  full: number | null
  /**
   * tr Σ by ‖b − g_t‖²·B/(1 − B/N), Σ the covariance of single examples’ gradients; null of splits that batches are not drawn from, of samples, and where a batch is all of it.
   */
  noise: number | null
  /**
   * cos(b, g_t) = Σ b·g_t / √(Σ b² · Σ g_t²), of the sums.
   */
  cosine: number | null
  /**
   * tr Σ / Σ g_t², of the sums: the batch size at which noise and signal are equal.
   */
  noiseScale: number | null
}
export interface ComponentsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: ComponentsRow[]
}
/**
 * The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.
 */
export interface FisherRow {
  /**
   * The iteration.
   */
  iteration: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The variable’s name; null for the whole network.
   */
  variable: string | null
  /**
   * Of so many examples.
   */
  examples: number
  /**
   * Σ LCA.
   */
  lca: number | null
  /**
   * Σ F_i with the labels of the data.
   */
  empirical: number | null
  /**
   * Σ F_i with labels drawn from the softmax; null where the loss is no cross-entropy.
   */
  true: number | null
  /**
   * Δᵀ·diag(F)·Δ/2 with the empirical F.
   */
  empiricalStep: number | null
  /**
   * Δᵀ·diag(F)·Δ/2 with the true F.
   */
  trueStep: number | null
  /**
   * Spearman’s ρ of |LCA_i| with the empirical F_i.
   */
  empiricalRank: number | null
  /**
   * Spearman’s ρ of |LCA_i| with the true F_i.
   */
  trueRank: number | null
  /**
   * Spearman’s ρ of |LCA_i| with F_i·Δ_i², F the empirical one.
   */
  empiricalStepRank: number | null
  /**
   * Spearman’s ρ of |LCA_i| with F_i·Δ_i², F the true one.
   */
  trueStepRank: number | null
}
export interface FisherTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: FisherRow[]
}
/**
 * LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.
 */
export interface ClassesRow {
  /**
   * The iteration; with bucket=n the first of the span, a multiple of n.
   */
  iteration: number
  /**
   * How many iterations are summed here: 1 without bucket.
   */
  iterations: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * The class.
   */
  class: number
  /**
   * How many labels of the split are of it.
   */
  labels: number
  /**
   * Σ LCA of the loss of the class, weighted by its share of the labels.
   */
  lca: number | null
}
export interface ClassesTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: ClassesRow[]
}
/**
 * The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.
 */
export interface SharpnessRow {
  /**
   * The iteration.
   */
  iteration: number
  /**
   * λ, the largest eigenvalue of the Hessian at θ_t.
   */
  eigenvalue: number | null
  /**
   * ‖H·u − λ·u‖: an eigenvalue lies within it of λ.
   */
  residual: number | null
  /**
   * Products with the Hessian that it took.
   */
  products: number
  /**
   * 2 / learning rate of the experiment’s optimizer: where plain gradient descent is no longer stable.
   */
  threshold: number | null
  /**
   * ΔᵀHΔ / ‖Δ‖²; null where nothing moved.
   */
  alongStep: number | null
  /**
   * gᵀHg / ‖g‖²; null where the gradient is 0.
   */
  alongGradient: number | null
  /**
   * (u·Δ)² / ‖Δ‖²: how much of the step is along u.
   */
  stepShare: number | null
  /**
   * Σ LCA.
   */
  lca: number | null
  /**
   * (ḡ·u)(u·Δ): what of it is along u, where the axes are turned so.
   */
  lcaAlong: number | null
}
export interface SharpnessTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: SharpnessRow[]
}
/**
 * What was taken of the steps that training judged, by the judge’s loss L: f∘Δ of the proposed step Δ, f a factor for each parameter (training.intervention). Predicted is Σ f·LCA, the change that additivity promises; change is L(θ_t + f∘Δ) − L(θ_t), and interaction what lies between: what those that move owe to those that do not. Of the network, and of each layer what can be said of it. The same table whichever split is asked for.
 */
export interface InterventionsRow {
  /**
   * The iteration.
   */
  iteration: number
  /**
   * The layer’s name; null for the whole network.
   */
  layer: string | null
  /**
   * How many parameters it has.
   */
  parameters: number
  /**
   * How many the proposed step moves.
   */
  moved: number
  /**
   * Parameters whose LCA, or that of their unit or layer, is below 0 in the proposed step.
   */
  helped: number
  /**
   * Those of which it is above 0.
   */
  hurt: number
  /**
   * Parameters of which something is taken: f > 0.
   */
  chosen: number
  /**
   * ‖f∘Δ‖ / ‖Δ‖: how long what is taken is; null where nothing moves.
   */
  factor: number | null
  /**
   * Σ LCA of the whole proposed step.
   */
  whole: number | null
  /**
   * Σ f·LCA: of what is taken.
   */
  predicted: number | null
  /**
   * L(θ_t) of the judge; null for a layer.
   */
  before: number | null
  /**
   * L(θ_{t+1}) of the judge; null for a layer.
   */
  after: number | null
  /**
   * after − before; null for a layer.
   */
  change: number | null
  /**
   * change − predicted; null for a layer.
   */
  interaction: number | null
}
export interface InterventionsTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: InterventionsRow[]
}
/**
 * What training decided by the LCA of the steps that it had taken, on the judge’s split (training.policy): Σ of the last steps, of a layer, of what momentum did of it, or of the network, with its interval of 95 %, Student’s t over these steps, taken as independent. The same table whichever split is asked for.
 */
export interface PoliciesRow {
  /**
   * The iteration after whose step it was decided.
   */
  iteration: number
  /**
   * The layer that it is of; null for the whole network.
   */
  layer: string | null
  /**
   * Of the policy: freezeHurting, stopOverfitting, quietMomentum.
   */
  rule: string | null
  /**
   * freeze, stop (training ends here), quiet (momentum is lowered), restore (it is not any more).
   */
  action: string | null
  /**
   * How many judged steps were summed.
   */
  steps: number
  /**
   * Σ over them of LCA, or of what momentum did of it.
   */
  sum: number | null
  /**
   * Its interval, lower end.
   */
  low: number | null
  /**
   * Its interval, upper end.
   */
  high: number | null
  /**
   * Of freeze: the first iteration that is to train again; null: none.
   */
  until: number | null
  /**
   * Of quiet and restore: what momentum is multiplied by.
   */
  factor: number | null
}
export interface PoliciesTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: PoliciesRow[]
}
/**
 * Whether layers learn at the same moments: peaks, local minima of a layer’s LCA, that pairs of layers share, against circular shifts of each layer’s peaks. Of a pair all shifts are tried, of the network 10,000 are drawn. At most 16,384 iterations from the first on are looked at, fewer of networks with many layers.
 */
export interface SynchronyRow {
  /**
   * One layer of the pair; null in the last row, which is of all pairs.
   */
  layer: string | null
  /**
   * The other layer; null in the last row.
   */
  other: string | null
  /**
   * How many iterations were looked at.
   */
  iterations: number
  /**
   * Peaks of the layer; in the last row of all layers.
   */
  peaks: number
  /**
   * Peaks of the other layer; null in the last row.
   */
  otherPeaks: number | null
  /**
   * Iterations in which both peak; in the last row their sum over all pairs, Σ m(m − 1)/2 of the m layers that peak in an iteration.
   */
  shared: number
  /**
   * What independent layers would share: the mean over all circular shifts.
   */
  expected: number | null
  /**
   * The share of circular shifts, this one among them, that have as many or more; of pairs not corrected for how many there are.
   */
  p: number | null
  /**
   * The smallest p that there can be.
   */
  resolution: number | null
}
export interface SynchronyTable {
  experimentId: string
  /**
   * A split of the dataset.
   */
  split: 'train' | 'validation'
  /**
   * Whether every iteration is allocated. While false, these are the iterations that are.
   */
  complete: boolean
  /**
   * Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.
   */
  examples: number
  /**
   * Examples of the split.
   */
  of: number
  /**
   * Null where the books of what is allocated balance.
   */
  unbalanced: Unbalanced | null
  /**
   * Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.
   */
  recorded: boolean
  items: SynchronyRow[]
}
/**
 * One object: .npy tensors (little-endian, as numpy.load and its memory maps read them), manifest.json. Or what is put together from tensors: weights.npy, allocations/{split}.npy, neurons/{split}.npy.
 */
export interface Artifact {
  /**
   * The name within the experiment.
   */
  name: string
  /**
   * Its size.
   */
  bytes: number
  /**
   * Of its bytes, in hexadecimal; also its ETag. null: derived, so that nobody has worked it out.
   */
  sha256: string | null
  /**
   * Whether it is put together from other artifacts when it is asked for: a tensor of all segments, one after the other.
   */
  derived: boolean
  /**
   * Of a tensor: its rows. weights/{from}-{to}.npy has to − from + 1, from the weights before the first iteration to those after the last, so that the last row of one segment is the first of the next; the others have one for each of the to − from iterations.
   */
  rows: number | null
  /**
   * Of a tensor: the iterations of its first and its last row. A row of weights is the weights before that iteration.
   */
  iterations: {
    first: number
    last: number
  } | null
  contentType: string
  /**
   * When it was stored.
   */
  createdAt: string
  /**
   * Where to get it, relative to this service.
   */
  url: string
}
/**
 * Where the bytes of an artifact are.
 */
export interface ArtifactLink {
  /**
   * Where to get it, relative to this service. Of another host: no key belongs there.
   */
  url: string
  /**
   * Whether the key has to be sent there, as to this service.
   */
  needsKey: boolean
  /**
   * Until when a download can begin there; null: for ever.
   */
  expiresAt: string | null
  /**
   * Of the bytes, in hexadecimal; null where nobody has worked it out.
   */
  sha256: string | null
}
/**
 * A kind of network.
 */
export interface Architecture {
  name: string
  description: string
  /**
   * JSON Schema of `architecture` in a spec that names it.
   */
  schema: {
    [k: string]: unknown
  }
}
/**
 * A dataset that a spec can name.
 */
export interface Dataset {
  name: string
  description: string
  /**
   * One example: [height, width, channels], [features], or of tokens [length].
   */
  shape: number[]
  /**
   * Classes of its labels; null: its targets are numbers.
   */
  classes: number | null
  /**
   * Numbers that are to be predicted of each example; null: it has classes.
   */
  outputs: number | null
  /**
   * What the classes are called, in their order; null: nobody has said.
   */
  classNames: string[] | null
  /**
   * What values of examples are: bytes, which networks see divided by 255, numbers as they are, or tokens; dataset.normalization of a spec says otherwise.
   */
  values: 'bytes' | 'numbers' | 'tokens'
  /**
   * Examples are tokens, integers below it; null: they are numbers.
   */
  vocabulary: number | null
  /**
   * So many places at the end of each example have a label; null: an example has one.
   */
  targets: number | null
  /**
   * Fields of `dataset` that it has beside others’; the rest is said for their defaults.
   */
  options: string[]
  /**
   * Examples to train on that there are; null: generated, as many as asked for.
   */
  trainFile: number | null
  /**
   * Examples to test on that there are; null: generated.
   */
  testFile: number | null
  /**
   * What a spec gets that does not say.
   */
  defaults: {
    trainExamples: number
    validationExamples: number
  }
  /**
   * Where it comes from; null: it is built in.
   */
  upload: {
    /**
     * Of the files that were sent.
     */
    format: 'idx' | 'cifar' | 'npy'
    /**
     * Which examples these are: the same for the same images, labels and classes, however they were sent. `dataset.sha256` of a spec.
     */
    sha256: string
    /**
     * In the object store.
     */
    bytes: number
    /**
     * When it was uploaded.
     */
    createdAt: string
  } | null
}
/**
 * A look into a dataset.
 */
export interface DatasetSamples {
  name: string
  split: 'train' | 'test'
  /**
   * Of one example.
   */
  shape: number[]
  /**
   * null: targets are numbers.
   */
  classes: number | null
  /**
   * Examples of each class, of those counted; null where there are no classes.
   */
  counts: number[] | null
  counted: number
  /**
   * Examples that there are; null: they are generated, without end.
   */
  of: number | null
  /**
   * The first of each class, in their order.
   */
  samples: {
    /**
     * Its place.
     */
    index: number
    /**
     * Its class, those of its last places, or the numbers to be predicted.
     */
    labels: number[]
    /**
     * Bytes of [height, width, channels], in base64; null where it is no image.
     */
    pixels: string | null
    /**
     * Tokens or features, where it is no image.
     */
    values: number[] | null
  }[]
}
/**
 * The weights of a training that happened elsewhere: `training: { trajectory: id }` allocates it.
 */
export interface Trajectory {
  id: string
  /**
   * Yours.
   */
  name: string | null
  /**
   * The dataset that its network was laid out for.
   */
  dataset: string
  /**
   * As a resolved spec has it.
   */
  architecture: {
    [k: string]: unknown
  }
  /**
   * As a spec has it; null: it is none of these, and specs say one.
   */
  optimizer: {
    [k: string]: unknown
  } | null
  /**
   * Recorded steps: a row of weights less. What training.iterations is at the most.
   */
  iterations: number
  /**
   * Iterations of the training in a recorded step.
   */
  every: number
  /**
   * How its kernels lie.
   */
  layout: 'torch' | 'keras' | 'own'
  parameters: number
  /**
   * What came along to compare with before anything is allocated.
   */
  checks: {
    losses: number
    probe: boolean
  }
  /**
   * Whether the optimizer’s state came along, of which `components` tells what steps are made of.
   */
  optimizerState: boolean
  /**
   * In the object store.
   */
  bytes: number
  /**
   * When it was uploaded.
   */
  createdAt: string
}
/**
 * A worker that lives.
 */
export interface Worker {
  /**
   * Of this life of the worker, a UUID.
   */
  id: string
  /**
   * host:pid, as in `worker` of experiments.
   */
  name: string
  host: string
  pid: number
  /**
   * What it computes on.
   */
  engine: {
    name: string
    /**
     * Of TensorFlow, or of the WebAssembly backend.
     */
    version: string
    /**
     * CPU threads of one operation.
     */
    threads: number
    /**
     * The GPU or the CPU.
     */
    device: string
    onGpu?: boolean
  }
  /**
   * Memory of the device: the GPU’s, or the machine’s.
   */
  memoryBytes: number
  /**
   * What it does, with the iterations where it allocates a segment; null: it waits for work. `experiment` is null where it is not yours.
   */
  doing: {
    task: 'train' | 'allocate'
    experiment: string | null
    from?: number
    to?: number
    since: string
  } | null
  /**
   * Gradients of examples a second in the last segment it allocated.
   */
  examplesPerSecond: number | null
  /**
   * When it registered.
   */
  startedAt: string
  /**
   * When it last said that it lives.
   */
  seenAt: string
}
/**
 * Whether each thing that the service needs answers.
 */
export interface Readiness {
  status: 'ok' | 'unavailable'
  checks: {
    database: {
      ok: boolean
      /**
       * Milliseconds that the check took.
       */
      ms: number
    }
    queue: {
      ok: boolean
      /**
       * Milliseconds that the check took.
       */
      ms: number
    }
    objects: {
      ok: boolean
      /**
       * Milliseconds that the check took.
       */
      ms: number
    }
  }
}
/**
 * An error, as RFC 9457 has it.
 */
export interface Problem {
  /**
   * Which kind of problem, for programs: it stays the same when the words change.
   */
  type: string
  /**
   * The kind of problem in words.
   */
  title: string
  /**
   * The HTTP status.
   */
  status: number
  /**
   * What happened this time.
   */
  detail: string
  /**
   * The path that was asked for.
   */
  instance: string
  /**
   * Also in the logs and in the header x-request-id.
   */
  requestId: string
  /**
   * Every wrong field, where fields are what is wrong.
   */
  errors?: FieldError[]
}
