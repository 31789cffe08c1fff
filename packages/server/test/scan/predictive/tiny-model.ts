/** A LightGBM text model of two trees that these tests write: small enough to work out by hand. */
export interface TinyModel {
  /** Raw score of tree 0 for files below and above one MiB (column 0). */
  readonly small?: number
  readonly large?: number
  readonly features?: number
}

export function tinyModel({ small = -1, large = 3, features = 2568 }: TinyModel = {}): Buffer {
  const trees = [
    // Column 0 (file size) <= 1048576 goes left.
    tree(0, {
      num_leaves: '2',
      num_cat: '0',
      split_feature: '0',
      threshold: '1048576',
      decision_type: '2',
      left_child: '-1',
      right_child: '-2',
      leaf_value: `${small} ${large}`,
      internal_value: '0',
    }),
    // Column 701 (machine) in {1, 33} goes left; else column 1 (entropy) decides, where NaN and what is missing goes left.
    tree(1, {
      num_leaves: '3',
      num_cat: '1',
      split_feature: '701 1',
      threshold: '0 4.5',
      decision_type: '9 10',
      left_child: '-1 -2',
      right_child: '1 -3',
      leaf_value: '0.25 0.5 -0.5',
      internal_value: '0.125 0.1',
      cat_boundaries: '0 2',
      cat_threshold: '2 2',
    }),
  ]
  return Buffer.from(`${head(features)}\n${trees.join('\n\n\n')}\n\n\nend of trees\n\nparameters:\nend of parameters\n`)
}

function head(features: number): string {
  return [
    'tree',
    'version=v4',
    'num_class=1',
    'num_tree_per_iteration=1',
    'label_index=0',
    `max_feature_idx=${features - 1}`,
    'objective=binary sigmoid:1',
    'tree_sizes=1 1',
    '',
  ].join('\n')
}

export function tree(number: number, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
  return [`Tree=${number}`, ...lines, 'is_linear=0', 'shrinkage=1'].join('\n')
}
