import { changeQuery } from '../address.ts'

/** Which split is shown. Unless `choose` does something else, the choice goes into the address, the first as no choice. */
export const SplitButtons = <S extends string>(props: {
  splits: readonly S[]
  split: S | undefined
  choose?(split: S): void
}) => {
  const { splits, split } = props
  const choose =
    props.choose ?? (one => changeQuery({ split: one === splits[0] ? undefined : one }, { replace: true }))
  return (
    <>
      {splits.map(one => (
        <button key={one} type="button" aria-pressed={one === split} onClick={() => choose(one)}>
          {one}
        </button>
      ))}
    </>
  )
}
