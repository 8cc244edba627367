// Where the doubles of tests live, so that nothing of them is in a folder of the product, nor
// published.

/** Fixtures, scripted counterparts and harnesses, in folders named after those of src. */
export const doublesFolder = 'tests/doubles/';

/** How a file is called that should be in `doublesFolder`. */
export const doubleName = /(^|[-.])(double|fixture|harness|scripted|fake|stub|mock)([-.]|$)/;
