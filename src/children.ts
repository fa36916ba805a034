/** What parents and children of ours have to know of each other. */

/**
 * Calls `then`, once, when the process that started this one is gone, whatever became of it; at once where it has gone
 * before anybody listened, which nobody is told of. Never in a process that was started without a channel. It keeps the
 * process alive as long as the parent is there.
 */
export function onParentGone(then: () => void): void {
  let told = false
  const tell = () => {
    if (told) return
    told = true
    then()
  }
  process.once('disconnect', tell)
  if (process.connected === false) tell()
}

/** Options of Node's that start a debugger: children would fight for its port, or wait for it where nobody sees it. */
const debugging = /(?<=^|\s)--(?:inspect|debug)[\w-]*(?:=\S*|\s+[^\s-]\S*)?(?=\s|$)/g

/** The options of Node's that a child of ours gets: this process's, without a debugger. */
export const childArguments = (options = process.execArgv): string[] =>
  options.filter(option => !/^--(inspect|debug)/.test(option))

/** The environment that a child of ours gets: this process's, without a debugger. */
export function childEnvironment(env = process.env): NodeJS.ProcessEnv {
  const options = env.NODE_OPTIONS?.replace(debugging, '').trim()
  return { ...env, NODE_OPTIONS: options || undefined }
}
