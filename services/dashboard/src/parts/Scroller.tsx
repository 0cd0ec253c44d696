import type { CSSProperties, ReactNode, RefObject } from "react";

/** A region that scrolls by itself, with the keyboard too. */
export function Scroller({
  label,
  children,
  className = "",
  style,
  of,
}: {
  label: string;
  children: ReactNode;
  className?: string;
  style?: CSSProperties;
  of?: RefObject<HTMLElement | null>;
}) {
  return (
    <section
      ref={of}
      className={`scroller ${className}`}
      style={style}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
    >
      {children}
    </section>
  );
}
